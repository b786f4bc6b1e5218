//! How many sub-tests run at the same time, not counting those that wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::exchange::Pace;

/// How many sub-tests may wait beside those that run; more wait in their own slots.
const MAX_WAITING: usize = 64;

/// The slots of a run, shared by its clones.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// The slot of one sub-test, shared by its clones. It is free while the sub-test waits, and once all of them are gone.
#[derive(Debug, Clone)]
pub struct Slot {
    slots: Slots,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Slots {
    pub(crate) fn new(jobs: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { running: semaphore(jobs.max(1)), waiting: semaphore(MAX_WAITING) }
    }

    /// Returns a slot if one is free.
    pub(crate) fn take(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.running).try_acquire_owned().ok()?;
        Some(Slot { slots: self.clone(), permit: Arc::new(Mutex::new(Some(permit))) })
    }

    /// Waits until a slot is free.
    pub(crate) async fn freed(&self) {
        // The semaphore is never closed.
        let _ = self.running.acquire().await;
    }
}

impl Slot {
    /// Waits while another sub-test may have the slot. The time does not count as the target's.
    pub async fn wait(&self, duration: Duration, pace: &Pace) {
        let waiting = Arc::clone(&self.slots.waiting).try_acquire_owned().ok();
        let gives_way = waiting.is_some();
        if gives_way {
            self.hold(None);
        }
        let wait = async {
            sleep(duration).await;
            drop(waiting);
            if gives_way {
                self.hold(Arc::clone(&self.slots.running).acquire_owned().await.ok());
            }
        };
        pace.uncounted(wait).await;
    }

    fn hold(&self, permit: Option<OwnedSemaphorePermit>) {
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sub_test_that_waits_leaves_its_slot_to_another() {
        let slots = Slots::new(1);
        let first = slots.take().unwrap();
        assert!(slots.take().is_none());
        let pace = Pace::default();
        let wait = first.wait(Duration::from_millis(20), &pace);
        let beside = async {
            slots.freed().await;
            let second = slots.take().unwrap();
            sleep(Duration::from_millis(40)).await;
            drop(second);
        };
        tokio::join!(wait, beside);
        assert!(slots.take().is_none(), "it has its slot again");
        drop(first);
        assert!(slots.take().is_some());
    }
}
