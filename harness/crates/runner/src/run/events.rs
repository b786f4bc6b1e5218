//! The channel for the events of sub-tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use harness_model::event::{Event, SubtestFinished};
use harness_model::verdict::SubtestVerdict;
use tokio::sync::mpsc;

/// Where sub-tests send their events.
#[derive(Debug, Clone)]
pub(super) struct Events {
    sender: mpsc::UnboundedSender<Event>,
    failed: Arc<AtomicU32>,
}

impl Events {
    pub(super) fn new(sender: mpsc::UnboundedSender<Event>) -> Self {
        Self { sender, failed: Arc::default() }
    }

    pub(super) fn send(&self, event: Event) {
        if matches!(event, Event::SubtestFinished(SubtestFinished { verdict: SubtestVerdict::Fail, .. })) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        // The receiver is only gone once the run is over.
        let _ = self.sender.send(event);
    }

    /// The number of failed sub-tests.
    pub(super) fn failed(&self) -> u32 {
        self.failed.load(Ordering::Relaxed)
    }
}
