//! The way of one exchange through the layer, there and back.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, header};

use crate::deviation::{Asked, Deviation, Memory, Told};

use super::origin::{Answer, Origin};
use super::tape::{Passed, Tape};

/// What every request has in common.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) origin: Origin,
    pub(super) here: String,
    pub(super) deviation: Deviation,
    pub(super) memory: Arc<Mutex<Memory>>,
    pub(super) fired: Arc<AtomicBool>,
    pub(super) tape: Option<Tape>,
}

impl Way {
    /// Bends a request, asks the reference, bends its answer.
    ///
    /// # Errors
    /// The reference does not answer.
    pub(super) async fn exchange(
        &self,
        peer: IpAddr,
        asked: Asked,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, String> {
        let errands = (self.deviation.before)(&asked, &mut self.memory());
        self.run(errands, peer).await;
        let mut bent = asked.clone();
        let answered = (self.deviation.ask)(&mut bent, &mut self.memory());
        if let Some(told) = answered {
            self.fire();
            return Ok(self.answer(&told, HeaderMap::new()));
        }
        if bent != asked {
            self.fire();
        }
        if asked.registers() && !self.deviation.pause.is_zero() {
            tokio::time::sleep(self.deviation.pause).await;
        }
        let is_forwarded = headers.contains_key("x-forwarded-for");
        let about = format!("{} {}", asked.path, asked.text("auth_key"));
        *self.memory().under_way.entry(about.clone()).or_default() += 1;
        let body = (bent.json == asked.json).then_some(body);
        let answer = self.origin.ask(peer, &bent, without_type(headers, body.is_none()), body).await;
        let told = self.bend(&asked, answer);
        if let Some(count) = self.memory().under_way.get_mut(&about) {
            *count -= 1;
        }
        let (answer, told) = told?;
        if let Some(tape) = &self.tape {
            let asked = Box::new(asked.clone());
            tape.record(Passed::Exchange { asked, told: told.clone(), is_forwarded });
        }
        if let Some(told) = told {
            let errands = (self.deviation.after)(&asked, &told, &mut self.memory());
            self.run(errands, peer).await;
        }
        Ok(answer)
    }

    /// The answer as it goes back, and as JSON if it is JSON.
    fn bend(&self, asked: &Asked, answer: Result<Answer, String>) -> Result<(Answer, Option<Told>), String> {
        let mut answer = answer?;
        if let Ok(text) = std::str::from_utf8(&answer.body)
            && text.contains(self.origin.address())
        {
            // What the reference says about where it is would lead around the layer.
            answer.body = text.replace(self.origin.address(), &self.here).into();
        }
        let Ok(json) = serde_json::from_slice(&answer.body) else { return Ok((answer, None)) };
        let told = Told { status: answer.status, json };
        let mut bent = told.clone();
        {
            let mut memory = self.memory();
            memory.learn(asked, &told);
            (self.deviation.tell)(asked, &mut bent, &mut memory);
        }
        if bent == told {
            return Ok((answer, Some(told)));
        }
        self.fire();
        Ok((self.answer(&bent, answer.headers), Some(bent)))
    }

    fn answer(&self, told: &Told, mut headers: HeaderMap) -> Answer {
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        Answer { status: told.status, headers, body: told.json.to_string().into() }
    }

    /// Requests of the layer's own, one after the other; what they are answered changes nothing here.
    pub(super) async fn run(&self, errands: Vec<Asked>, peer: IpAddr) {
        for errand in errands {
            self.fire();
            let _ = self.origin.ask(peer, &errand, HeaderMap::new(), None).await;
        }
    }

    /// Remembers that something was really bent.
    pub(super) fn fire(&self) {
        self.fired.store(true, Ordering::Relaxed);
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that is written anew brings its type along.
fn without_type(mut headers: HeaderMap, is_new: bool) -> HeaderMap {
    if is_new {
        headers.remove(header::CONTENT_TYPE);
    }
    headers
}
