//! The time, as a parameter: the system's, or one that tests can move forward.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::domain::Timestamp;

/// Tells the time; clones tell the same.
#[derive(Clone)]
pub struct Clock {
    ahead: watch::Sender<Duration>,
    adjustable: bool,
}

impl Clock {
    /// The system's time; it cannot be moved.
    pub fn system() -> Self {
        Self { ahead: watch::Sender::new(Duration::ZERO), adjustable: false }
    }

    /// Starts at the system's time and can be moved forward.
    pub fn adjustable() -> Self {
        Self { adjustable: true, ..Self::system() }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        // A system clock before 1970 is read as 1970.
        let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(0).plus(system).plus(*self.ahead.borrow())
    }

    /// Moves the time forward and wakes everyone who waits for it. The system's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if self.adjustable {
            self.ahead.send_modify(|ahead| *ahead = ahead.saturating_add(by));
        }
    }

    /// Whether [`Clock::advance`] moves it.
    pub const fn is_adjustable(&self) -> bool {
        self.adjustable
    }

    /// Returns once it is `deadline` or later, be it that time passed or that it was moved.
    pub async fn wait_until(&self, deadline: Timestamp) {
        let mut moved = self.ahead.subscribe();
        loop {
            let left = deadline.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = moved.changed() => {}
            }
        }
    }
}
