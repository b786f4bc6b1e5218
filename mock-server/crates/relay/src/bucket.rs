//! Rate limit of one machine.

use std::time::{Duration, Instant};

/// A token bucket, which limits the rate and allows bursts.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u32,
    capacity: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    /// Creates a full bucket with the capacity of what accrues during `burst`.
    pub(super) fn new(per_second: u32, burst: Duration, now: Instant) -> Self {
        let capacity = f64::from(per_second) * burst.as_secs_f64();
        Self { per_second, capacity, left: capacity, filled: now }
    }

    /// Takes `amount` out and returns true, if there is enough.
    pub(super) fn take(&mut self, amount: u32, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + passed * f64::from(self.per_second)).min(self.capacity);
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
    fn burst_is_followed_by_a_constant_rate() {
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
