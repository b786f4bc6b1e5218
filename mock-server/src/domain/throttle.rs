//! The pace of guesses at a credential: growing delays for each account and address, and for each address.
//!
//! An account as a whole is never locked: its owner gets in from an address that has guessed nothing.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::Timestamp;
use super::key::material::sha256;

/// Wrong guesses at one account from one address before the first delay.
const FREE_GUESSES: u32 = 5;
/// Wrong guesses from one address, at any account, before the first delay.
const FREE_GUESSES_OF_ADDRESS: u32 = 20;
/// Wrong guesses at one account from anywhere, after which each address has a single free guess at it.
const SUSPICIOUS_GUESSES: u32 = 50;
const FIRST_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(300);
/// Wrong guesses are forgotten when none has followed for this long.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// The number of accounts, addresses and pairs that are remembered, which bounds the space that strangers can claim.
pub const MAX_REMEMBERED: i64 = 30_000;

/// What a guess counts against, each by the hash of its name: people type passwords where an email is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects {
    /// The account as guessed at from the address.
    pub pair: String,
    pub address: String,
    pub account: String,
}

/// The wrong guesses that count against one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong {
    pub count: u32,
    /// The time of the latest one.
    pub last: Timestamp,
    /// Whether a guess had to wait since.
    pub delayed: bool,
}

/// The wrong guesses of the last hour that count against a guess.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub pair: Option<Wrong>,
    pub address: Option<Wrong>,
    pub account: Option<Wrong>,
}

/// A guess that must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delayed {
    /// At least 1.
    pub retry_after_seconds: u64,
    /// Whether it is the first one that has to wait: worth a line in the audit log.
    pub first: bool,
    /// Whose wrong guesses delay it.
    pub by: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Those at the account from the address.
    Pair,
    /// Those from the address, at any account.
    Address,
}

impl Subjects {
    pub fn of(account: &str, address: Option<IpAddr>) -> Self {
        let account = account.to_lowercase();
        let address = address.map(network).map(|address| address.to_string()).unwrap_or_default();
        Self {
            pair: sha256(&format!("pair {address} {account}")),
            address: sha256(&format!("address {address}")),
            account: sha256(&format!("account {account}")),
        }
    }

    /// In the order of the fields.
    pub fn each(&self) -> [&str; 3] {
        [&self.pair, &self.address, &self.account]
    }

    pub fn cause(&self, cause: Cause) -> &str {
        match cause {
            Cause::Pair => &self.pair,
            Cause::Address => &self.address,
        }
    }
}

impl Tally {
    /// Decides on a guess at `now`.
    ///
    /// # Errors
    /// The guess must wait; it does not count.
    pub fn admit(&self, now: Timestamp) -> Result<(), Delayed> {
        let wrong_at_account = self.account.map_or(0, |wrong| wrong.count);
        let free = if wrong_at_account >= SUSPICIOUS_GUESSES { 1 } else { FREE_GUESSES };
        let of_address = (self.address, FREE_GUESSES_OF_ADDRESS, Cause::Address);
        for (wrong, free, by) in [(self.pair, free, Cause::Pair), of_address] {
            if let Some((retry_after_seconds, first)) = wrong.and_then(|wrong| wrong.delay(free, now)) {
                return Err(Delayed { retry_after_seconds, first, by });
            }
        }
        Ok(())
    }

    /// Adds guesses whose outcome is not known yet, which count as wrong: many at the same moment are many.
    #[must_use]
    pub fn with_open(self, open: [u32; 3], now: Timestamp) -> Self {
        let [pair, address, account] = open;
        let add = |wrong: Option<Wrong>, open: u32| match wrong {
            _ if open == 0 => wrong,
            Some(wrong) => {
                Some(Wrong { count: wrong.count.saturating_add(open), last: wrong.last.max(now), ..wrong })
            }
            None => Some(Wrong { count: open, last: now, delayed: false }),
        };
        Self {
            pair: add(self.pair, pair),
            address: add(self.address, address),
            account: add(self.account, account),
        }
    }
}

impl Wrong {
    /// Returns the seconds that a guess must wait, and whether it is the first one.
    fn delay(self, free: u32, now: Timestamp) -> Option<(u64, bool)> {
        let beyond = self.count.checked_sub(free)?;
        let delay = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(beyond)).min(MAX_DELAY);
        let left = self.last.plus(delay).since(now).min(MAX_DELAY);
        (!left.is_zero()).then(|| (left.as_secs() + u64::from(left.subsec_nanos() > 0), !self.delayed))
    }
}

/// The times of wrong guesses that are not forgotten at `now`, both excluded. One that lies as far in the future was made
/// before a clock was set back, and counts as forgotten, lest its account wait until the wrong time comes.
pub fn remembered(now: Timestamp) -> (Timestamp, Timestamp) {
    (now.minus(FORGOTTEN_AFTER), now.plus(FORGOTTEN_AFTER))
}

/// One client usually has a whole IPv6 network of 64 bits.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// Counts every admitted guess as wrong.
    #[derive(Default)]
    struct Guesses(HashMap<String, Wrong>);

    impl Guesses {
        fn guess(&mut self, account: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Delayed> {
            let Subjects { pair, address, account } = Subjects::of(account, address);
            let known = |subject| self.0.get(subject).copied();
            Tally { pair: known(&pair), address: known(&address), account: known(&account) }.admit(now)?;
            for subject in [pair, address, account] {
                let wrong = self.0.entry(subject).or_insert(Wrong { count: 0, last: now, delayed: false });
                (wrong.count, wrong.last) = (wrong.count + 1, now);
            }
            Ok(())
        }
    }

    #[test]
    fn guesses_at_an_account_slow_down_and_its_owner_gets_in() {
        let mut guesses = Guesses::default();
        let mut admitted = 0;
        for tenth in 0..6000 {
            let guess = guesses.guess("ada@acme.example", ip("203.0.113.1"), at(tenth * 100));
            admitted += usize::from(guess.is_ok());
        }
        assert!((10..20).contains(&admitted), "{admitted} guesses in ten minutes");
        let delayed = guesses.guess("ADA@acme.example", ip("203.0.113.1"), at(600_000)).unwrap_err();
        assert!(delayed.retry_after_seconds > 100, "{delayed:?}");
        for (account, address) in [("ada@acme.example", "203.0.113.2"), ("bob@acme.example", "203.0.113.1")] {
            assert_eq!(guesses.guess(account, ip(address), at(600_000)), Ok(()), "{account} from {address}");
        }
    }

    #[test]
    fn delays_double_up_to_five_minutes_and_the_first_is_told_apart() {
        let wrong = |count, delayed| Wrong { count, last: at(0), delayed };
        for (count, delayed, now, expected) in [
            (4, false, 0, None),
            (5, false, 0, Some((1, true))),
            (5, true, 0, Some((1, false))),
            (5, false, 999, Some((1, true))),
            (5, false, 1000, None),
            (6, false, 0, Some((2, true))),
            (6, false, 1, Some((2, true))),
            (13, false, 0, Some((256, true))),
            (14, false, 0, Some((300, true))),
            (u32::MAX, true, 0, Some((300, false))),
            (5, false, -3_000_000, Some((300, true))),
        ] {
            let tally = Tally { pair: Some(wrong(count, delayed)), ..Tally::default() };
            let expected = expected.map(|(retry_after_seconds, first)| {
                let by = Cause::Pair;
                Delayed { retry_after_seconds, first, by }
            });
            assert_eq!(tally.admit(at(now)).err(), expected, "{count} at {now}");
        }
    }

    #[test]
    fn an_address_slows_down_whatever_it_guesses_at() {
        let mut guesses = Guesses::default();
        let admitted = (0..6000).filter(|tenth| {
            guesses.guess(&format!("user-{tenth}"), ip("2001:db8::1"), at(tenth * 100)).is_ok()
        });
        let admitted = admitted.count();
        assert!((25..40).contains(&admitted), "{admitted} guesses in ten minutes");
        assert!(guesses.guess("x", ip("2001:db8::2"), at(600_000)).is_err(), "the same network");
        assert_eq!(guesses.guess("x", ip("2001:db8:0:1::1"), at(600_000)), Ok(()));
    }

    #[test]
    fn guesses_from_everywhere_leave_one_free_guess_an_address() {
        let mut guesses = Guesses::default();
        for n in 0..60_u8 {
            assert_eq!(guesses.guess("ada", ip(&format!("192.0.2.{n}")), at(0)), Ok(()));
        }
        assert_eq!(guesses.guess("ada", ip("198.51.100.1"), at(1)), Ok(()));
        assert!(guesses.guess("ada", ip("198.51.100.1"), at(2)).is_err());
    }

    #[test]
    fn guesses_whose_outcome_is_open_count_as_wrong() {
        let open = |open| Tally::default().with_open(open, at(7)).admit(at(7)).is_ok();
        for (counts, admitted) in [
            ([0, 0, 0], true),
            ([4, 4, 4], true),
            ([5, 5, 5], false),
            ([0, 19, 0], true),
            ([0, 20, 0], false),
            ([1, 1, 50], false),
            ([0, 0, 50], true),
        ] {
            assert_eq!(open(counts), admitted, "{counts:?}");
        }
        let known = Wrong { count: 3, last: at(0), delayed: true };
        let tally = Tally { pair: Some(known), ..Tally::default() }.with_open([2, 0, 0], at(7));
        assert_eq!(tally.pair, Some(Wrong { count: 5, last: at(7), delayed: true }));
    }

    #[test]
    fn subjects_are_told_apart_whatever_an_account_is_called() {
        let subjects = Subjects::of("Ada", ip("192.0.2.1"));
        assert_eq!(subjects, Subjects::of("ada", ip("::ffff:192.0.2.1")));
        let Subjects { pair, address, account } = subjects;
        for other in ["address 192.0.2.1", "192.0.2.1 ada", ""] {
            let other = Subjects::of(other, None);
            for subject in [&other.pair, &other.address, &other.account] {
                assert!(![&pair, &address, &account].contains(&subject), "{other:?}");
            }
        }
    }
}
