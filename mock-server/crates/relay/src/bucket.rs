//! How much one machine may send.

use std::time::{Duration, Instant};

/// A token bucket: so much at once, and so much a second.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u32,
    most: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket that holds what `burst` brings.
    pub(super) fn new(per_second: u32, burst: Duration, now: Instant) -> Self {
        let most = f64::from(per_second) * burst.as_secs_f64();
        Self { per_second, most, left: most, filled: now }
    }

    /// Takes `amount` out, if so much is in it.
    pub(super) fn take(&mut self, amount: u32, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + passed * f64::from(self.per_second)).min(self.most);
        self.filled = self.filled.max(now);
        let enough = self.left >= f64::from(amount);
        if enough {
            self.left -= f64::from(amount);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_so_much_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, Duration::from_millis(500), start);
        assert_eq!((0..100).filter(|_| bucket.take(1, start)).count(), 50);
        let later = start + Duration::from_millis(200);
        assert!(!bucket.take(21, later) && bucket.take(20, later) && !bucket.take(1, later));
        assert!(!bucket.take(1, start), "time does not run backwards");
        let much_later = start + Duration::from_secs(3600);
        assert!(!bucket.take(51, much_later) && bucket.take(50, much_later));
    }
}
