//! Where sub-tests tell what happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use harness_model::event::Event;
use harness_model::verdict::SubtestVerdict;
use tokio::sync::mpsc;

/// Where sub-tests tell what happens.
#[derive(Debug, Clone)]
pub(super) struct Events {
    sender: mpsc::UnboundedSender<Event>,
    failed: Arc<AtomicU32>,
}

impl Events {
    pub(super) fn new(sender: mpsc::UnboundedSender<Event>) -> Self {
        Self { sender, failed: Arc::default() }
    }

    pub(super) fn tell(&self, event: Event) {
        if matches!(event, Event::SubtestFinished { verdict: SubtestVerdict::Fail, .. }) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        // Nobody listens only when the run is over.
        let _ = self.sender.send(event);
    }

    /// How many sub-tests have failed.
    pub(super) fn failed(&self) -> u32 {
        self.failed.load(Ordering::Relaxed)
    }
}
