//! The channel for the events of sub-tests.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use harness_model::event::{Event, SubtestFinished};
use harness_model::verdict::SubtestVerdict;
use tokio::sync::mpsc;

/// How many finished steps are held back at most: waking the listener for each would cost as much as a request.
const MAX_HELD: usize = 32;

/// Where sub-tests send their events.
#[derive(Debug, Clone)]
pub(super) struct Events {
    sender: mpsc::UnboundedSender<Event>,
    /// Finished steps, which are sent with the next event of another kind.
    held: Arc<Mutex<Vec<Event>>>,
    failed: Arc<AtomicU32>,
}

impl Events {
    pub(super) fn new(sender: mpsc::UnboundedSender<Event>) -> Self {
        Self { sender, held: Arc::default(), failed: Arc::default() }
    }

    pub(super) fn send(&self, event: Event) {
        if matches!(event, Event::SubtestFinished(SubtestFinished { verdict: SubtestVerdict::Fail, .. })) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        let is_step = matches!(event, Event::StepFinished { .. });
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(event);
        if !is_step || held.len() >= MAX_HELD {
            // The receiver is only gone once the run is over.
            held.drain(..).for_each(|event| drop(self.sender.send(event)));
        }
    }

    /// The number of failed sub-tests.
    pub(super) fn failed(&self) -> u32 {
        self.failed.load(Ordering::Relaxed)
    }
}
