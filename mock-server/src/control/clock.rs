//! The time as a parameter: the system clock, or one that tests can advance or stop.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::domain::Timestamp;

/// A clock whose clones share the same time.
#[derive(Clone)]
pub struct Clock {
    ahead: watch::Sender<Duration>,
    adjustable: bool,
    /// The time that stands still, instead of the system's.
    stopped_at: Option<Timestamp>,
}

impl Clock {
    /// Returns the system clock, which cannot be advanced.
    pub fn system() -> Self {
        Self { ahead: watch::Sender::new(Duration::ZERO), adjustable: false, stopped_at: None }
    }

    /// Returns a clock that starts at the system's time and can be advanced.
    pub fn adjustable() -> Self {
        Self { adjustable: true, ..Self::system() }
    }

    /// Returns a clock that moves only when it is advanced, for tests that compare times.
    pub fn stopped() -> Self {
        Self { stopped_at: Some(system_time()), ..Self::adjustable() }
    }

    pub fn now(&self) -> Timestamp {
        self.stopped_at.unwrap_or_else(system_time).plus(*self.ahead.borrow())
    }

    /// Advances the clock and wakes its waiters; has no effect on a system clock.
    pub fn advance(&self, by: Duration) {
        if self.adjustable {
            self.ahead.send_modify(|ahead| *ahead = ahead.saturating_add(by));
        }
    }

    pub const fn is_adjustable(&self) -> bool {
        self.adjustable
    }

    /// Waits until `deadline`, whether time passes or the clock is advanced.
    pub async fn wait_until(&self, deadline: Timestamp) {
        let mut advanced = self.ahead.subscribe();
        loop {
            let left = deadline.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = advanced.changed() => {}
            }
        }
    }
}

fn system_time() -> Timestamp {
    // A system clock before 1970 counts as 1970.
    Timestamp::from_millis(0).plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
