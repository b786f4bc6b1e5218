//! The device flow's rules (RFC 8628): what a device that asks for its token is told.

use std::time::Duration;

use super::Timestamp;

/// How much longer a device has to wait after it asked too soon (RFC 8628, 3.5).
pub const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Letters of user codes: no vowels, so that no word appears, and none that reads like another (RFC 8628, 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A login that waits for a person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// Who asked for it; nobody else may redeem it.
    pub client_id: String,
    /// How far it came.
    pub progress: Progress,
    /// How long the device has to wait between two questions.
    pub interval: Duration,
    /// When it last asked.
    pub last_polled_at: Option<Timestamp>,
    /// Until when it can be approved and redeemed.
    pub expires_at: Timestamp,
}

/// How far a code came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nobody has decided.
    Pending,
    /// A person approved.
    Approved {
        /// Who.
        user_id: String,
    },
    /// A person said no.
    Denied,
    /// Its token was given out.
    Used,
}

/// What the device is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    /// Ask again after the interval.
    Pending,
    /// Ask less often.
    SlowDown {
        /// How long to wait from now on.
        interval: Duration,
    },
    /// A person said no.
    Denied,
    /// Too late.
    Expired,
    /// The code was never given out to this client, or is used up.
    Invalid,
    /// Here is your token.
    Granted {
        /// Whose.
        user_id: String,
    },
}

impl DeviceCode {
    /// What a device is told that asks at `now`.
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

/// A user code made of random bytes: `WDJB-MJHT`.
#[must_use]
pub fn user_code(random: [u8; 8]) -> String {
    let mut number = u64::from_be_bytes(random);
    let mut code = String::with_capacity(9);
    for place in 0..8 {
        if place == 4 {
            code.push('-');
        }
        let letter = usize::try_from(number % 20).ok().and_then(|at| LETTERS.get(at));
        code.extend(letter.map(|&letter| char::from(letter)));
        number /= 20;
    }
    code
}

/// A user code as it is stored, from what a person typed: case, spaces and dashes do not matter.
#[must_use]
pub fn typed(text: &str) -> String {
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
    fn what_a_device_is_told() {
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
    fn what_people_type() {
        for text in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "WDJB–MJHT"] {
            assert_eq!(typed(text), "WDJB-MJHT", "{text}");
        }
        assert_ne!(typed("WDJB-MJHTX"), "WDJB-MJHT");
        assert_eq!(typed(""), "-");
    }

    /// A guess at one letter tells nothing of the others: each of the eight can be changed alone.
    #[test]
    fn every_letter_of_a_user_code_is_chance() {
        let code = |number: u64| user_code(number.to_be_bytes());
        let letters = |code: &str| code.chars().filter(|c| *c != '-').collect::<Vec<_>>();
        let first = code(0);
        for place in 0..8 {
            let other = code(20_u64.pow(place));
            let changed: Vec<usize> =
                (0..8).filter(|&at| letters(&first)[at] != letters(&other)[at]).collect();
            assert_eq!(changed.len(), 1, "{first} {other}");
            assert_eq!(changed[0], place as usize, "{first} {other}");
        }
    }

    proptest! {
        #[test]
        fn user_codes_survive_being_typed(random in any::<[u8; 8]>()) {
            let code = user_code(random);
            prop_assert_eq!(code.len(), 9);
            prop_assert!(code.chars().all(|c| c == '-' || LETTERS.contains(&(c as u8))));
            prop_assert_eq!(typed(&code.to_lowercase()), code);
        }
    }
}
