//! `eventually`: repeats a read until its checks pass or its time limit is reached.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const INITIAL_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(500);
/// What is on its way usually takes less.
pub const LONG: Duration = Duration::from_millis(500);

/// The pauses between attempts: they double up to a maximum, and end at the deadline.
#[derive(Debug)]
pub struct Polling {
    begun: Instant,
    deadline: Instant,
    pause: Duration,
}

impl Polling {
    pub fn begin(limit: Duration) -> Self {
        let begun = Instant::now();
        Self { begun, deadline: begun + limit, pause: INITIAL_PAUSE }
    }

    /// Whether it has taken longer than what is on its way usually does.
    pub fn is_long(&self) -> bool {
        self.begun.elapsed() > LONG
    }

    /// Waits before the next attempt. Returns false once the deadline has passed.
    pub async fn again(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.deadline {
            return false;
        }
        // The last attempt is made at the deadline, not before.
        sleep(self.pause.min(self.deadline - now)).await;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        true
    }
}
