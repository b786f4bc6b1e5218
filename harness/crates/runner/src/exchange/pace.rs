//! How fast a shared target is asked.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// What a profile allows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    /// Requests in a second, on average and in no burst but a race's.
    pub requests_per_second: Option<f64>,
    /// Requests at the same time.
    pub concurrency: Option<NonZeroU32>,
}

/// One pace for all sub-tests; without limits by default. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    shared: Arc<Shared>,
    /// Milliseconds that this sub-test spent waiting for its turns.
    waited: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Between one request and the next.
    interval: Option<Duration>,
    /// When the next request may leave.
    next: Mutex<Option<Instant>>,
    seats: Option<Arc<Semaphore>>,
    retries: AtomicU64,
}

/// A request's turn, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _seat: Option<OwnedSemaphorePermit>,
}

impl Pace {
    /// Of a profile.
    pub fn new(rate: Rate) -> Self {
        let seats = rate.concurrency.and_then(|seats| usize::try_from(seats.get()).ok());
        let shared = Shared {
            interval: rate.requests_per_second.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok()),
            seats: seats.map(|seats| Arc::new(Semaphore::new(seats))),
            ..Shared::default()
        };
        Self { shared: Arc::new(shared), waited: Arc::default() }
    }

    /// The same pace, whose waiting is counted anew.
    #[must_use]
    pub fn counted_anew(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), waited: Arc::default() }
    }

    /// How long this sub-test waited for its turns: time that the target did not take.
    fn waited(&self) -> Duration {
        Duration::from_millis(self.waited.load(Ordering::Relaxed))
    }

    /// The work's result, unless it takes longer than that beside its waiting for turns.
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

    /// Reads that were repeated since the run began, by all sub-tests.
    pub fn retries(&self) -> u64 {
        self.shared.retries.load(Ordering::Relaxed)
    }

    /// Takes that many turns in advance: a race's requests leave together, as many as at most sit beside each other.
    pub async fn reserve(&self, turns: u32) {
        self.wait(turns).await;
    }

    /// Waits for a turn. `timed`: unless it was reserved.
    pub(super) async fn turn(&self, timed: bool) -> Turn {
        let begun = Instant::now();
        let seat = match &self.shared.seats {
            // It is never closed.
            Some(seats) => Arc::clone(seats).acquire_owned().await.ok(),
            None => None,
        };
        self.remember(begun.elapsed());
        if timed {
            self.wait(1).await;
        }
        Turn { _seat: seat }
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
        // Remembered first: a limit that ends meanwhile has to know of it.
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
    async fn all_share_one_rate() {
        let pace = Pace::new(Rate { requests_per_second: Some(100.0), concurrency: None });
        let begun = Instant::now();
        let sub_tests: Vec<_> = (0..4).map(|_| pace.counted_anew()).collect();
        let turns = sub_tests.iter().map(|pace| async {
            for _ in 0..5 {
                pace.turn(true).await;
            }
        });
        futures::future::join_all(turns).await;
        assert!(begun.elapsed() >= Duration::from_millis(190), "20 turns, the first at once");
        assert!(sub_tests.iter().all(|pace| pace.waited() > Duration::from_millis(100)));
        assert_eq!(pace.waited(), Duration::ZERO);
        // A race takes its turns before it begins.
        let race = Instant::now();
        pace.reserve(10).await;
        assert!(race.elapsed() >= Duration::from_millis(90));
    }

    #[tokio::test]
    async fn waiting_for_turns_is_nobodys_time() {
        let pace = Pace::new(Rate { requests_per_second: Some(100.0), concurrency: None });
        let limit = Duration::from_millis(20);
        assert_eq!(pace.within(limit, pace.reserve(10)).await, Some(()));
        assert_eq!(pace.within(limit, std::future::pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn no_more_sit_beside_each_other_than_may() {
        let pace = Pace::new(Rate { requests_per_second: None, concurrency: NonZeroU32::new(2) });
        let (sitting, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let turns = (0..6).map(|_| async {
            let _turn = pace.turn(true).await;
            most.fetch_max(sitting.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            sitting.fetch_sub(1, Ordering::Relaxed);
        });
        futures::future::join_all(turns).await;
        assert_eq!(most.load(Ordering::Relaxed), 2);
    }
}
