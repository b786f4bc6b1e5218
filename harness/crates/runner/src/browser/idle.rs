//! Browsers that no sub-test uses now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

use super::chromium::Chromium;
use super::error::BrowserError;

/// What no sub-test uses now, shared by its clones.
#[derive(Debug, Clone, Default)]
pub(super) struct Idle(Arc<Mutex<Vec<Waiting>>>);

#[derive(Debug)]
pub(super) enum Waiting {
    /// The profile of the sub-test before is removed.
    Ready(Box<Chromium>),
    Starting(JoinHandle<Result<Chromium, BrowserError>>),
}

impl Idle {
    pub(super) fn put(&self, chromium: Chromium) {
        self.lock().push(Waiting::Ready(Box::new(chromium)));
    }

    /// Starts browsers in the background until there are as many.
    pub(super) fn fill<S>(&self, browsers: usize, start: impl Fn() -> S)
    where
        S: Future<Output = Result<Chromium, BrowserError>> + Send + 'static,
    {
        let mut idle = self.lock();
        for _ in idle.len()..browsers {
            idle.push(Waiting::Starting(tokio::spawn(start())));
        }
    }

    /// Returns one that is ready, or else one that starts.
    pub(super) fn take(&self) -> Option<Waiting> {
        let mut idle = self.lock();
        let ready = idle.iter().position(|waiting| matches!(waiting, Waiting::Ready(_)));
        let at = ready.or((!idle.is_empty()).then_some(0))?;
        Some(idle.swap_remove(at))
    }

    pub(super) fn clear(&self) {
        for waiting in self.lock().drain(..) {
            if let Waiting::Starting(task) = waiting {
                task.abort();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Returns none if it does not start.
    pub(super) async fn ready(self) -> Option<Chromium> {
        match self {
            Self::Ready(chromium) => Some(*chromium),
            Self::Starting(task) => task.await.ok()?.ok(),
        }
    }
}
