//! Limits the rate and the concurrency of requests to a shared target.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The limits of a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    /// Requests per second on average; only a race may send a burst.
    pub requests_per_second: Option<f64>,
    pub concurrency: Option<NonZeroU32>,
}

/// A limiter that all sub-tests share through clones. It has no limits by default.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    shared: Arc<Shared>,
    /// Milliseconds that this sub-test has waited for its turns.
    waited: Arc<AtomicU64>,
    /// Since when this sub-test does what does not count, if it does now.
    uncounted_since: Arc<Mutex<Option<Instant>>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The time between two requests.
    interval: Option<Duration>,
    /// When the next request may be sent.
    next: Mutex<Option<Instant>>,
    slots: Option<Arc<Semaphore>>,
    retries: AtomicU64,
}

/// A request's turn, which ends on drop.
#[derive(Debug)]
pub(super) struct Turn {
    _slot: Option<OwnedSemaphorePermit>,
}

impl Pace {
    pub fn new(rate: Rate) -> Self {
        let slots = rate.concurrency.and_then(|slots| usize::try_from(slots.get()).ok());
        let shared = Shared {
            interval: rate.requests_per_second.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok()),
            slots: slots.map(|slots| Arc::new(Semaphore::new(slots))),
            ..Shared::default()
        };
        Self { shared: Arc::new(shared), ..Self::default() }
    }

    /// Returns a clone with a waiting time of its own.
    #[must_use]
    pub fn for_subtest(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), ..Self::default() }
    }

    /// How long this sub-test has waited for its turns or done other things that do not count as the target's time.
    fn waited(&self) -> Duration {
        let present = self.uncounted_since().map(|since| since.elapsed()).unwrap_or_default();
        Duration::from_millis(self.waited.load(Ordering::Relaxed)) + present
    }

    /// Does work that takes none of the target's time.
    pub async fn uncounted<T>(&self, work: impl Future<Output = T>) -> T {
        let before = self.waited.load(Ordering::Relaxed);
        let begun = Instant::now();
        *self.lock_uncounted() = Some(begun);
        let done = work.await;
        *self.lock_uncounted() = None;
        // What the work itself has waited for its turns is counted already.
        let counted = Duration::from_millis(self.waited.load(Ordering::Relaxed).saturating_sub(before));
        self.remember(begun.elapsed().saturating_sub(counted));
        done
    }

    fn uncounted_since(&self) -> Option<Instant> {
        *self.lock_uncounted()
    }

    fn lock_uncounted(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.uncounted_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the work's result, or `None` if it takes longer than `limit`, not counting its waiting for turns.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let (begun, waited) = (Instant::now(), self.waited());
        let deadline = || begun + limit + self.waited().saturating_sub(waited);
        let mut work = std::pin::pin!(work);
        loop {
            let present = deadline();
            if let Ok(done) = timeout_at(present, &mut work).await {
                return Some(done);
            }
            if deadline() <= present {
                return None;
            }
        }
    }

    /// The number of retried requests of all sub-tests since the run began.
    pub fn retries(&self) -> u64 {
        self.shared.retries.load(Ordering::Relaxed)
    }

    /// Takes a race's turns in advance, so that its requests can be sent together.
    pub async fn reserve(&self, turns: u32) {
        self.wait(turns).await;
    }

    /// Waits for a turn; `timed` is false if it was reserved.
    pub(super) async fn turn(&self, timed: bool) -> Turn {
        let begun = Instant::now();
        let slot = match &self.shared.slots {
            // The semaphore is never closed.
            Some(slots) => Arc::clone(slots).acquire_owned().await.ok(),
            None => None,
        };
        self.remember(begun.elapsed());
        if timed {
            self.wait(1).await;
        }
        Turn { _slot: slot }
    }

    pub(super) fn count_retry(&self) {
        self.shared.retries.fetch_add(1, Ordering::Relaxed);
    }

    async fn wait(&self, turns: u32) {
        let Some(interval) = self.shared.interval else { return };
        let begun = Instant::now();
        let at = {
            let mut next = self.shared.next.lock().unwrap_or_else(PoisonError::into_inner);
            let first = next.map_or(begun, |next| next.max(begun));
            *next = Some(first + interval * turns);
            first + interval * turns.saturating_sub(1)
        };
        // Counted before sleeping: a time limit that is reached meanwhile must allow for it.
        self.remember(at.saturating_duration_since(begun));
        sleep_until(at).await;
    }

    fn remember(&self, waited: Duration) {
        let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        self.waited.fetch_add(waited, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sub_tests_share_one_rate() {
        let pace = Pace::new(Rate { requests_per_second: Some(100.0), concurrency: None });
        let begun = Instant::now();
        let sub_tests: Vec<_> = (0..4).map(|_| pace.for_subtest()).collect();
        let turns = sub_tests.iter().map(|pace| async {
            for _ in 0..5 {
                pace.turn(true).await;
            }
        });
        futures::future::join_all(turns).await;
        assert!(begun.elapsed() >= Duration::from_millis(190), "20 turns, the first at once");
        assert!(sub_tests.iter().all(|pace| pace.waited() > Duration::from_millis(100)));
        assert_eq!(pace.waited(), Duration::ZERO);
        // A race reserves its turns before it begins.
        let race = Instant::now();
        pace.reserve(10).await;
        assert!(race.elapsed() >= Duration::from_millis(90));
    }

    #[tokio::test]
    async fn within_does_not_count_waiting_for_turns() {
        let pace = Pace::new(Rate { requests_per_second: Some(100.0), concurrency: None });
        let limit = Duration::from_millis(20);
        assert_eq!(pace.within(limit, pace.reserve(10)).await, Some(()));
        assert_eq!(pace.within(limit, std::future::pending::<()>()).await, None);
        let waits = pace.uncounted(tokio::time::sleep(limit * 4));
        assert_eq!(pace.within(limit, waits).await, Some(()));
    }

    #[tokio::test]
    async fn concurrency_is_limited() {
        let pace = Pace::new(Rate { requests_per_second: None, concurrency: NonZeroU32::new(2) });
        let (active, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let turns = (0..6).map(|_| async {
            let _turn = pace.turn(true).await;
            most.fetch_max(active.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            active.fetch_sub(1, Ordering::Relaxed);
        });
        futures::future::join_all(turns).await;
        assert_eq!(most.load(Ordering::Relaxed), 2);
    }
}
