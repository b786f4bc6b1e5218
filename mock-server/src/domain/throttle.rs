//! The pace of guesses at a credential: growing delays for each account and address, and for each address.
//!
//! An account as a whole is never locked: its owner gets in from an address that has guessed nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::Timestamp;

/// Wrong guesses at one account from one address before the first delay.
const FREE_GUESSES: u32 = 5;
/// Wrong guesses from one address, at any account, before the first delay.
const FREE_GUESSES_OF_ADDRESS: u32 = 20;
/// Wrong guesses at one account from anywhere, after which each address has a single free guess at it.
const SUSPICIOUS_GUESSES: u32 = 50;
const FIRST_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(300);
/// Wrong guesses are forgotten when none has followed for this long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// The number of accounts, addresses and pairs that are remembered, which bounds the memory that strangers can claim.
const MAX_REMEMBERED: usize = 10_000;

/// The wrong guesses of the last hour.
#[derive(Debug, Default)]
pub struct Throttle {
    pairs: Guesses<(String, Option<IpAddr>)>,
    addresses: Guesses<Option<IpAddr>>,
    accounts: Guesses<String>,
}

/// A guess that must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delayed {
    /// At least 1.
    pub retry_after_seconds: u64,
    /// Whether it is the first one that has to wait: worth a line in the audit log.
    pub first: bool,
}

#[derive(Debug)]
struct Guesses<K> {
    by_key: HashMap<K, Wrong>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last: Timestamp,
    delayed: bool,
}

impl Throttle {
    /// Admits a guess at `now` and counts it as wrong until [`Throttle::succeeded`] says otherwise, so that many guesses
    /// at the same moment count as well.
    ///
    /// # Errors
    /// The guess must wait; it is not counted.
    pub fn begin(&mut self, account: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), Delayed> {
        let address = address.map(network);
        let account = account.to_lowercase();
        let suspicious = self.accounts.count(&account, now) >= SUSPICIOUS_GUESSES;
        let free = if suspicious { 1 } else { FREE_GUESSES };
        let pair = (account, address);
        self.pairs.admit(&pair, free, now)?;
        self.addresses.admit(&address, FREE_GUESSES_OF_ADDRESS, now)?;
        self.accounts.add(pair.0.clone(), now);
        self.addresses.add(address, now);
        self.pairs.add(pair, now);
        Ok(())
    }

    /// Forgets the guesses at an account from an address: its owner mistyped the password.
    pub fn succeeded(&mut self, account: &str, address: Option<IpAddr>) {
        let address = address.map(network);
        let account = account.to_lowercase();
        self.addresses.take_back(&address);
        self.accounts.take_back(&account);
        self.pairs.by_key.remove(&(account, address));
    }
}

impl<K: Hash + Eq + Clone> Guesses<K> {
    fn current(&mut self, key: &K, now: Timestamp) -> Option<&mut Wrong> {
        self.by_key.get_mut(key).filter(|wrong| now.since(wrong.last) < FORGOTTEN_AFTER)
    }

    fn count(&mut self, key: &K, now: Timestamp) -> u32 {
        self.current(key, now).map_or(0, |wrong| wrong.count)
    }

    fn admit(&mut self, key: &K, free: u32, now: Timestamp) -> Result<(), Delayed> {
        let Some(wrong) = self.current(key, now) else { return Ok(()) };
        let Some(beyond) = wrong.count.checked_sub(free) else { return Ok(()) };
        let delay = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(beyond)).min(MAX_DELAY);
        let left = wrong.last.plus(delay).since(now).min(MAX_DELAY);
        if left.is_zero() {
            return Ok(());
        }
        let first = !std::mem::replace(&mut wrong.delayed, true);
        Err(Delayed { retry_after_seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0), first })
    }

    fn add(&mut self, key: K, now: Timestamp) {
        if let Some(wrong) = self.current(&key, now) {
            wrong.count = wrong.count.saturating_add(1);
            wrong.last = wrong.last.max(now);
            return;
        }
        if self.by_key.len() >= MAX_REMEMBERED {
            self.make_room(now);
        }
        self.by_key.insert(key, Wrong { count: 1, last: now, delayed: false });
    }

    fn take_back(&mut self, key: &K) {
        if let Some(wrong) = self.by_key.get_mut(key) {
            wrong.count = wrong.count.saturating_sub(1);
        }
    }

    /// Forgets what is old, or else the older half.
    fn make_room(&mut self, now: Timestamp) {
        self.by_key.retain(|_, wrong| now.since(wrong.last) < FORGOTTEN_AFTER);
        if self.by_key.len() < MAX_REMEMBERED {
            return;
        }
        let mut times: Vec<Timestamp> = self.by_key.values().map(|wrong| wrong.last).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.by_key.retain(|_, wrong| wrong.last > median);
    }
}

impl<K> Default for Guesses<K> {
    fn default() -> Self {
        Self { by_key: HashMap::new() }
    }
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
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// Guesses as often as it is allowed for `seconds`; returns the number of admitted guesses.
    fn admitted(throttle: &mut Throttle, account: &str, address: Option<IpAddr>, seconds: i64) -> usize {
        (0..seconds * 10).filter(|tenth| throttle.begin(account, address, at(tenth * 100)).is_ok()).count()
    }

    #[test]
    fn guesses_at_an_account_slow_down_and_its_owner_gets_in() {
        let mut throttle = Throttle::default();
        let guessed = admitted(&mut throttle, "ada@acme.example", ip("203.0.113.1"), 600);
        assert!((10..20).contains(&guessed), "{guessed} guesses in ten minutes");
        let delayed = throttle.begin("ADA@acme.example", ip("203.0.113.1"), at(600_000)).unwrap_err();
        assert!(delayed.retry_after_seconds > 100 && !delayed.first, "{delayed:?}");
        assert_eq!(
            throttle.begin("ada@acme.example", ip("203.0.113.2"), at(600_000)),
            Ok(()),
            "from elsewhere"
        );
        assert_eq!(
            throttle.begin("bob@acme.example", ip("203.0.113.1"), at(600_000)),
            Ok(()),
            "at another account"
        );
    }

    #[test]
    fn the_first_delayed_guess_is_told_apart() {
        let mut throttle = Throttle::default();
        let outcomes: Vec<_> = (0..8).map(|_| throttle.begin("a", ip("192.0.2.1"), at(0))).collect();
        assert_eq!(outcomes[..5], [Ok(()); 5]);
        let firsts: Vec<_> = outcomes[5..].iter().map(|outcome| outcome.unwrap_err().first).collect();
        assert_eq!(firsts, [true, false, false]);
    }

    #[test]
    fn an_address_slows_down_whatever_it_guesses_at() {
        let mut throttle = Throttle::default();
        let mut accounts = 0..;
        let guessed = (0..6000).filter(|tenth| {
            let account = format!("user-{}", accounts.next().unwrap());
            throttle.begin(&account, ip("2001:db8::1"), at(tenth * 100)).is_ok()
        });
        let guessed = guessed.count();
        assert!((25..40).contains(&guessed), "{guessed} guesses in ten minutes");
        assert!(throttle.begin("x", ip("2001:db8::2"), at(600_000)).is_err(), "the same network");
        assert_eq!(throttle.begin("x", ip("2001:db8:0:1::1"), at(600_000)), Ok(()));
    }

    #[test]
    fn guesses_from_everywhere_leave_one_free_guess_an_address() {
        let mut throttle = Throttle::default();
        for n in 0..60_u8 {
            assert_eq!(throttle.begin("ada", ip(&format!("192.0.2.{n}")), at(0)), Ok(()));
        }
        assert_eq!(throttle.begin("ada", ip("198.51.100.1"), at(1)), Ok(()));
        assert!(throttle.begin("ada", ip("198.51.100.1"), at(2)).is_err());
    }

    #[test]
    fn a_success_and_time_forgive() {
        let mut throttle = Throttle::default();
        for _ in 0..1000 {
            assert_eq!(throttle.begin("ada", ip("192.0.2.1"), at(0)), Ok(()));
            throttle.succeeded("ada", ip("192.0.2.1"));
        }
        for _ in 0..5 {
            throttle.begin("ada", ip("192.0.2.1"), at(0)).unwrap();
        }
        assert!(throttle.begin("ada", ip("192.0.2.1"), at(1)).is_err());
        assert_eq!(throttle.begin("ada", ip("192.0.2.1"), at(3_600_000)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::default();
        for n in 0..50_000_u32 {
            let address = Some(IpAddr::V4(n.into()));
            throttle.begin(&format!("user-{n}"), address, at(i64::from(n))).unwrap();
        }
        assert!(throttle.pairs.by_key.len() <= MAX_REMEMBERED);
        assert!(throttle.addresses.by_key.len() <= MAX_REMEMBERED);
        assert!(throttle.accounts.by_key.len() <= MAX_REMEMBERED);
    }
}
