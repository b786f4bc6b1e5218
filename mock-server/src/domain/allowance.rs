//! How often each address may do what takes a place that all share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::Timestamp;
use super::throttle::network;

/// The number of addresses that are remembered, which bounds the memory that strangers can claim.
const MAX_REMEMBERED: usize = 10_000;

/// What each address took since its window began.
#[derive(Debug, Default)]
pub struct Allowance {
    taken: HashMap<Option<IpAddr>, Taken>,
}

#[derive(Debug, Clone, Copy)]
struct Taken {
    since: Timestamp,
    count: u32,
}

impl Allowance {
    /// Takes one of `limit` within `window`.
    ///
    /// # Errors
    /// The seconds until the window ends, at least 1.
    pub fn take(
        &mut self,
        address: Option<IpAddr>,
        limit: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<(), u64> {
        let address = address.map(network);
        if self.taken.len() >= MAX_REMEMBERED && !self.taken.contains_key(&address) {
            self.make_room(window, now);
        }
        let taken = self.taken.entry(address).or_insert(Taken { since: now, count: 0 });
        let age = now.since(taken.since);
        if age >= window {
            *taken = Taken { since: now, count: 0 };
        } else if taken.count >= limit {
            return Err(window.saturating_sub(age).as_secs().max(1));
        }
        taken.count += 1;
        Ok(())
    }

    /// Forgets what is old, or else everything.
    fn make_room(&mut self, window: Duration, now: Timestamp) {
        self.taken.retain(|_, taken| now.since(taken.since) < window);
        if self.taken.len() >= MAX_REMEMBERED {
            self.taken.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_address_takes_its_part_and_leaves_the_rest() {
        let mut allowance = Allowance::default();
        let taken = (0..10).filter(|_| allowance.take(ip("192.0.2.1"), 3, WINDOW, at(0)).is_ok());
        assert_eq!(taken.count(), 3);
        assert_eq!(allowance.take(ip("192.0.2.1"), 3, WINDOW, at(590)), Err(10));
        assert_eq!(allowance.take(ip("192.0.2.2"), 3, WINDOW, at(590)), Ok(()));
        assert_eq!(allowance.take(ip("192.0.2.1"), 3, WINDOW, at(600)), Ok(()));
        // One network of IPv6 is one client; so are all whose address is unknown.
        for _ in 0..3 {
            allowance.take(ip("2001:db8::1"), 3, WINDOW, at(0)).unwrap();
            allowance.take(None, 3, WINDOW, at(0)).unwrap();
        }
        assert!(allowance.take(ip("2001:db8::2"), 3, WINDOW, at(0)).is_err());
        assert!(allowance.take(None, 3, WINDOW, at(0)).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let mut allowance = Allowance::default();
        for n in 0..50_000_u32 {
            let _ = allowance.take(Some(IpAddr::V4(n.into())), 3, WINDOW, at(i64::from(n / 100)));
        }
        assert!(allowance.taken.len() <= MAX_REMEMBERED);
    }
}
