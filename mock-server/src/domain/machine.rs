//! Machines: what they may be called, what proves them, and how they are.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ztna_protocol::machine_name;

use super::{Refusal, Timestamp};

/// A machine that has not been heard of for this long counts as offline.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(90);
/// An ephemeral machine that has not been heard of for this long is removed (`generate/ST2.2`).
pub const REAPED_AFTER: Duration = Duration::from_secs(30 * 60);

/// How a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is heard of.
    Online,
    /// It said goodbye, or has not been heard of for [`OFFLINE_AFTER`].
    Offline,
    /// An admin has yet to approve it.
    Pending,
    /// An admin cut it off.
    Quarantined,
}

impl Status {
    /// The status's name in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Pending => "pending",
            Self::Quarantined => "quarantined",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Online, Self::Offline, Self::Pending, Self::Quarantined]
            .into_iter()
            .find(|status| status.as_str() == name)
    }

    /// The status to show at `now` of a machine last heard of at `last_seen`.
    #[must_use]
    pub fn seen(self, last_seen: Timestamp, now: Timestamp) -> Self {
        if self == Self::Online && now.since(last_seen) >= OFFLINE_AFTER { Self::Offline } else { self }
    }

    /// The status after a heartbeat that says `online` or not; only an admin ends `pending` and `quarantined`.
    #[must_use]
    pub const fn heard(self, online: bool) -> Self {
        match self {
            Self::Online | Self::Offline if online => Self::Online,
            Self::Online | Self::Offline => Self::Offline,
            held => held,
        }
    }
}

/// Accepts a machine's name: 1 to 63 characters, none of them a control character.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    machine_name::check(name).map_err(|invalid| Refusal::invalid(invalid.to_string()))
}

/// Accepts a WireGuard public key: 32 bytes in base64.
pub fn check_public_key(key: &str) -> Result<(), Refusal> {
    match BASE64_STANDARD.decode(key) {
        Ok(bytes) if bytes.len() == 32 => Ok(()),
        _ => Err(Refusal::invalid("public_key must be 32 bytes in base64")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_checked() {
        assert_eq!(check_name("Linux-C"), Ok(()));
        assert_eq!(check_name(&"n".repeat(63)), Ok(()));
        for bad in ["", " ", "a\0", "a\u{7f}", &"n".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_public_key(&BASE64_STANDARD.encode([7; 32])), Ok(()));
        for bad in ["", "x", &BASE64_STANDARD.encode([7; 31]), &BASE64_STANDARD.encode([7; 33])] {
            assert!(check_public_key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_status_comes_back_by_its_name() {
        for (status, name) in [
            (Status::Online, "online"),
            (Status::Offline, "offline"),
            (Status::Pending, "pending"),
            (Status::Quarantined, "quarantined"),
        ] {
            assert_eq!((status.as_str(), Status::parse(name)), (name, Some(status)));
        }
        assert_eq!(Status::parse("Online"), None);
    }

    #[test]
    fn ephemeral_machines_are_given_half_an_hour() {
        assert_eq!(REAPED_AFTER.as_secs(), 1800);
    }

    #[test]
    fn silence_makes_offline_and_heartbeats_do_not_release() {
        let at = Timestamp::from_millis;
        assert_eq!(Status::Online.seen(at(0), at(89_999)), Status::Online);
        assert_eq!(Status::Online.seen(at(0), at(90_000)), Status::Offline);
        assert_eq!(Status::Quarantined.seen(at(0), at(90_000)), Status::Quarantined);
        assert_eq!(Status::Offline.heard(true), Status::Online);
        assert_eq!(Status::Online.heard(false), Status::Offline);
        assert_eq!(Status::Pending.heard(true), Status::Pending);
        assert_eq!(Status::Quarantined.heard(true), Status::Quarantined);
    }
}
