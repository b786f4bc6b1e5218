//! When an unanswered handshake initiation is repeated.

use std::time::{Duration, Instant};

/// WireGuard's Rekey-Timeout. The first attempts follow each other faster: the peers of a machine that has just started
/// may not know it yet, and it should not wait that long before it attempts again.
const MAX_INTERVAL: Duration = Duration::from_secs(5);

const FIRST_INTERVAL: Duration = Duration::from_millis(250);

/// Number of attempts that are followed by an interval of less than a second.
const FAST_ATTEMPTS: u32 = 2;

/// A handshake initiated by this node and not answered yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Initiation {
    attempts: u32,
    next: Instant,
}

impl Initiation {
    /// Starts with a first message sent at `now`.
    pub(super) fn started(now: Instant) -> Self {
        Self { attempts: 1, next: now + FIRST_INTERVAL }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    /// Returns when the next message is due while intervals are so short that the regular tick would be too late.
    pub(super) fn urgent_deadline(&self) -> Option<Instant> {
        (self.attempts <= FAST_ATTEMPTS).then_some(self.next)
    }

    /// Records that another message was sent.
    pub(super) fn on_resent(&mut self, now: Instant) {
        self.next = now + (FIRST_INTERVAL * (1 << self.attempts.min(8))).min(MAX_INTERVAL);
        self.attempts = self.attempts.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_up_to_the_rekey_timeout() {
        let start = Instant::now();
        let mut initiation = Initiation::started(start);
        let mut sent = Vec::new();
        for _ in 0..8 {
            assert!(!initiation.is_due(initiation.next - Duration::from_millis(1)));
            sent.push((initiation.next - start).as_millis());
            initiation.on_resent(initiation.next);
        }
        assert_eq!(sent, [250, 750, 1750, 3750, 7750, 12750, 17750, 22750]);
        (0..100).for_each(|_| initiation.on_resent(start));
        assert_eq!(initiation.next - start, MAX_INTERVAL);
    }
}
