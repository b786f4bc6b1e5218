//! The rules of the device flow (RFC 8628).

use std::time::Duration;

use super::{Refusal, Timestamp};

/// How much the polling interval grows after a poll that came too soon (RFC 8628, 3.5).
pub const SLOW_DOWN: Duration = Duration::from_secs(5);

/// How many logins one address may start while one of them is valid, so that no one takes the places of all.
pub const MAX_STARTS_OF_ADDRESS: i64 = 500;

/// The alphabet of user codes: no vowels, so that no words appear, and no look-alikes (RFC 8628, 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A device login that awaits a person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// The client that started the login; only this client can redeem the code.
    pub client_id: String,
    pub progress: Progress,
    /// The minimum time between two polls.
    pub interval: Duration,
    pub last_polled_at: Option<Timestamp>,
    /// When the code can no longer be approved or redeemed.
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Pending,
    Approved { user_id: String },
    Denied,
    Used,
}

/// The answer to a device's poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    Pending,
    /// The device polled too soon and must keep to the longer `interval` from now on.
    SlowDown {
        interval: Duration,
    },
    Denied,
    Expired,
    /// The code was never issued to this client, or was redeemed already.
    Invalid,
    Granted {
        user_id: String,
    },
}

impl DeviceCode {
    /// Answers a poll by `client_id` at `now`.
    #[must_use]
    pub fn poll(&self, client_id: &str, now: Timestamp) -> Poll {
        match &self.progress {
            _ if self.client_id != client_id => Poll::Invalid,
            Progress::Used => Poll::Invalid,
            _ if now >= self.expires_at => Poll::Expired,
            Progress::Denied => Poll::Denied,
            Progress::Approved { user_id } => Poll::Granted { user_id: user_id.clone() },
            Progress::Pending => match self.last_polled_at {
                Some(last) if now.since(last) < self.interval => {
                    Poll::SlowDown { interval: self.interval.saturating_add(SLOW_DOWN) }
                }
                _ => Poll::Pending,
            },
        }
    }
}

/// Refuses a start beyond [`MAX_STARTS_OF_ADDRESS`], until the oldest login that counts has expired.
#[must_use]
pub fn too_many_starts(oldest: Timestamp, lifetime: Duration, now: Timestamp) -> Refusal {
    let left = oldest.plus(lifetime).since(now).min(lifetime);
    Refusal::RateLimited { retry_after_seconds: (left.as_secs() + u64::from(left.subsec_nanos() > 0)).max(1) }
}

/// Derives a user code such as `WDJB-MJHT` from random bytes.
#[must_use]
pub fn user_code(random: [u8; 8]) -> String {
    let mut number = u64::from_be_bytes(random);
    let mut code = String::with_capacity(9);
    for position in 0..8 {
        if position == 4 {
            code.push('-');
        }
        let letter = usize::try_from(number % 20).ok().and_then(|at| LETTERS.get(at));
        code.extend(letter.map(|&letter| char::from(letter)));
        number /= 20;
    }
    code
}

/// Normalises a user code as typed by a person to its stored form, ignoring case, spaces and dashes.
#[must_use]
pub fn normalise(text: &str) -> String {
    let letters: Vec<char> = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .take(9)
        .collect();
    let (first, second) = letters.split_at(letters.len().min(4));
    format!("{}-{}", first.iter().collect::<String>(), second.iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn further_starts_wait_for_the_oldest_to_expire() {
        let lifetime = Duration::from_secs(600);
        for (oldest, now, seconds) in [
            (0, 0, 600),
            (0, 1, 600),
            (0, 590_000, 10),
            (0, 599_999, 1),
            (0, 600_000, 1),
            (9_000_000, 0, 600),
        ] {
            let at = Timestamp::from_millis;
            let refused = too_many_starts(at(oldest), lifetime, at(now));
            assert_eq!(refused, Refusal::RateLimited { retry_after_seconds: seconds }, "{oldest} {now}");
        }
    }

    #[test]
    fn polls_are_answered_by_progress_interval_and_expiry() {
        let alice = || Progress::Approved { user_id: "alice".to_owned() };
        let granted = || Poll::Granted { user_id: "alice".to_owned() };
        let slow = || Poll::SlowDown { interval: Duration::from_secs(6) };
        let cases = [
            (Progress::Pending, None, "ztna", 500, Poll::Pending),
            (Progress::Pending, Some(500), "ztna", 1499, slow()),
            (Progress::Pending, Some(500), "ztna", 1500, Poll::Pending),
            (Progress::Pending, None, "ztna", 9_999, Poll::Pending),
            (Progress::Pending, Some(9_999), "ztna", 10_000, Poll::Expired),
            (Progress::Pending, None, "other", 500, Poll::Invalid),
            (alice(), Some(500), "ztna", 501, granted()),
            (alice(), None, "ztna", 10_000, Poll::Expired),
            (alice(), None, "other", 500, Poll::Invalid),
            (Progress::Denied, Some(500), "ztna", 501, Poll::Denied),
            (Progress::Denied, None, "ztna", 10_000, Poll::Expired),
            (Progress::Used, None, "ztna", 500, Poll::Invalid),
            (Progress::Used, None, "ztna", 10_000, Poll::Invalid),
        ];
        for (progress, polled, client, now, expected) in cases {
            let code = DeviceCode {
                client_id: "ztna".to_owned(),
                progress,
                interval: Duration::from_secs(1),
                last_polled_at: polled.map(Timestamp::from_millis),
                expires_at: Timestamp::from_millis(10_000),
            };
            assert_eq!(code.poll(client, Timestamp::from_millis(now)), expected, "{code:?} at {now}");
        }
    }

    #[test]
    fn typed_codes_are_normalised() {
        for text in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "WDJB–MJHT"] {
            assert_eq!(normalise(text), "WDJB-MJHT", "{text}");
        }
        assert_ne!(normalise("WDJB-MJHTX"), "WDJB-MJHT");
        assert_eq!(normalise(""), "-");
    }

    // A guess at one letter reveals nothing about the others: each of the eight can change alone.
    #[test]
    fn letters_of_a_user_code_are_independent() {
        let code = |number: u64| user_code(number.to_be_bytes());
        let letters = |code: &str| code.chars().filter(|c| *c != '-').collect::<Vec<_>>();
        let first = code(0);
        for position in 0..8 {
            let other = code(20_u64.pow(position));
            let changed: Vec<usize> =
                (0..8).filter(|&at| letters(&first)[at] != letters(&other)[at]).collect();
            assert_eq!(changed.len(), 1, "{first} {other}");
            assert_eq!(changed[0], position as usize, "{first} {other}");
        }
    }

    proptest! {
        #[test]
        fn user_codes_survive_typing(random in any::<[u8; 8]>()) {
            let code = user_code(random);
            prop_assert_eq!(code.len(), 9);
            prop_assert!(code.chars().all(|c| c == '-' || LETTERS.contains(&(c as u8))));
            prop_assert_eq!(normalise(&code.to_lowercase()), code);
        }
    }
}
