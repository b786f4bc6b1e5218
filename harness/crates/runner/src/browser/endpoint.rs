//! Where the commands of a session go, and what the driver printed last.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Client, Method, Url};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;

use super::error::BrowserError;

/// Errors of the driver that mean that there is no browser any more.
const DEAD: [&str; 7] = [
    "invalid session id",
    "disconnected",
    "chrome not reachable",
    "tab crashed",
    "session deleted",
    "target frame detached",
    "no such window",
];
/// Lines kept of what driver and browser print.
const MAX_LAST_WORDS: usize = 12;
const READY: &str = "was started successfully on port ";

/// Where a session's commands go.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) client: Client,
    pub(super) last_words: LastWords,
}

impl Endpoint {
    /// Sends a command of WebDriver. Returns its value.
    ///
    /// # Errors
    /// The driver refuses the command, or does not answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, BrowserError> {
        let url = self.url.join(path).map_err(|cause| self.died(&cause))?;
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|cause| self.died(&crate::exchange::causes(&cause)))?;
        let is_refusal = !response.status().is_success();
        let mut answer: Value = response.json().await.map_err(|cause| self.died(&cause))?;
        let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
        if !is_refusal {
            return Ok(value);
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (error, message) = (text("error"), text("message"));
        if DEAD.iter().any(|dead| error.contains(dead) || message.contains(dead)) {
            return Err(self.died(&format!("{error}: {}", first_line(&message))));
        }
        Err(BrowserError::Refused { error, message })
    }

    /// Returns the error of a browser that is of no use any more.
    pub(super) fn died(&self, cause: &dyn fmt::Display) -> BrowserError {
        BrowserError::Died { cause: cause.to_string(), last_words: self.last_words.said() }
    }
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The last lines that driver and browser printed.
#[derive(Debug, Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    /// Returns what was printed last, to be put behind a message.
    pub(super) fn said(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("\n  {line}")).collect()
    }

    /// Keeps what is printed there; the driver's port goes to `port`.
    pub(super) fn follow<R>(&self, source: Option<R>, port: Option<watch::Sender<Option<u16>>>)
    where
        R: AsyncRead + Unpin + Send + 'static,
    {
        let Some(source) = source else { return };
        let kept = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(source).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(port) = &port
                    && let Some((_, rest)) = line.split_once(READY)
                {
                    let _ = port.send(rest.trim_end_matches('.').parse().ok());
                } else {
                    kept.push(line);
                }
            }
        });
    }

    fn push(&self, line: String) {
        if line.trim().is_empty() {
            return;
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_LAST_WORDS {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}
