//! `eventually`: a read is repeated until its checks pass or the time is over.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The pauses between the tries.
#[derive(Debug)]
pub struct Polling {
    deadline: Instant,
    pause: Duration,
}

impl Polling {
    /// Begins now, for so long.
    pub fn begin(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, pause: FIRST_PAUSE }
    }

    /// Pauses before another try; false when the time is over.
    pub async fn again(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.deadline {
            return false;
        }
        // The last try is made when the time is over, not before.
        sleep(self.pause.min(self.deadline - now)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}
