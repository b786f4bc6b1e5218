//! When a handshake that was not answered is begun again.

use std::time::{Duration, Instant};

/// WireGuard's Rekey-Timeout. The first tries follow each other faster: a machine that has just come up is heard
/// by peers that do not know it yet, and must not be silent for so long after that.
const LONGEST: Duration = Duration::from_secs(5);

const SHORTEST: Duration = Duration::from_millis(250);

/// The tries after which the wait is shorter than a second.
const HURRIED: u32 = 2;

/// A handshake this node has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Initiation {
    tries: u32,
    next: Instant,
}

impl Initiation {
    /// One whose first message was sent at `now`.
    pub(super) fn begun(now: Instant) -> Self {
        Self { tries: 1, next: now + SHORTEST }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    /// When the next message is due, as long as so little time lies between two that it must not be late.
    pub(super) fn due_soon(&self) -> Option<Instant> {
        (self.tries <= HURRIED).then_some(self.next)
    }

    /// Another message was sent.
    pub(super) fn repeated(&mut self, now: Instant) {
        self.next = now + (SHORTEST * (1 << self.tries.min(8))).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_rekey_timeout() {
        let start = Instant::now();
        let mut initiation = Initiation::begun(start);
        let mut sent = Vec::new();
        for _ in 0..8 {
            assert!(!initiation.is_due(initiation.next - Duration::from_millis(1)));
            sent.push((initiation.next - start).as_millis());
            initiation.repeated(initiation.next);
        }
        assert_eq!(sent, [250, 750, 1750, 3750, 7750, 12750, 17750, 22750]);
        (0..100).for_each(|_| initiation.repeated(start));
        assert_eq!(initiation.next - start, LONGEST);
    }
}
