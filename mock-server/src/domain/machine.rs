//! Machines: their names, public keys and status.

use std::time::Duration;

use ztna_protocol::{machine_name, public_key};

use super::{CLOCK_TOLERANCE, Refusal, Timestamp};

/// How long after its last heartbeat a machine counts as offline.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(90);
/// How long after its last heartbeat an ephemeral machine is removed (`generate/ST2.2`).
pub const REAPED_AFTER: Duration = Duration::from_secs(30 * 60);

/// How long after its last heartbeat a machine that awaits approval is removed: its user has given up.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Online,
    /// Signed off, or silent for [`OFFLINE_AFTER`].
    Offline,
    /// Awaits an admin's approval.
    Pending,
    /// Cut off by an admin.
    Quarantined,
}

impl Status {
    /// The name in the database and in responses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Pending => "pending",
            Self::Quarantined => "quarantined",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Online, Self::Offline, Self::Pending, Self::Quarantined]
            .into_iter()
            .find(|status| status.as_str() == name)
    }

    /// Returns the effective status at `now`, given the time of the last heartbeat.
    #[must_use]
    pub fn effective(self, last_seen: Timestamp, now: Timestamp) -> Self {
        if self == Self::Online && now.since(last_seen) >= OFFLINE_AFTER { Self::Offline } else { self }
    }

    /// Returns the status after a heartbeat. Only an admin ends `pending` and `quarantined`.
    #[must_use]
    pub const fn after_heartbeat(self, online: bool) -> Self {
        match self {
            Self::Online | Self::Offline if online => Self::Online,
            Self::Online | Self::Offline => Self::Offline,
            unchanged => unchanged,
        }
    }
}

/// Returns when a machine was last seen, given a heartbeat at `now`. The clocks of replicas differ, and a heartbeat may
/// have waited in one that was paused: the later time counts, unless it lies so far ahead that a clock was set back.
#[must_use]
pub fn last_seen(before: Timestamp, now: Timestamp) -> Timestamp {
    if before.since(now) < CLOCK_TOLERANCE { before.max(now) } else { now }
}

/// Returns the normal form of a name; see [`machine_name`].
pub fn normalise_name(name: &str) -> Result<String, Refusal> {
    machine_name::normalise(name).map_err(|invalid| Refusal::invalid(invalid.to_string()))
}

/// Accepts a WireGuard public key: 32 bytes in base64. A key of low order is refused: the secret that it agrees on with
/// any other is known to everybody (RFC 7748, section 6.1).
pub fn check_public_key(key: &str) -> Result<(), Refusal> {
    match public_key::parse(key) {
        Ok(_) => Ok(()),
        Err(invalid) => Err(Refusal::invalid(format!("public_key {invalid}"))),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn names_and_keys_are_checked() {
        assert_eq!(normalise_name(" Linux-C ").as_deref(), Ok("Linux-C"));
        for bad in ["", "a\0", "100.64.0.14", "we\u{200b}b"] {
            assert!(matches!(normalise_name(bad), Err(Refusal::InvalidInput(_))), "{bad:?}");
        }
        assert_eq!(check_public_key(&BASE64_STANDARD.encode([7; 32])), Ok(()));
        for bad in ["", "x", &BASE64_STANDARD.encode([7; 31]), &BASE64_STANDARD.encode([7; 33])] {
            assert!(check_public_key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn statuses_round_trip_through_their_names() {
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
    fn a_late_heartbeat_does_not_make_a_machine_older() {
        let at = Timestamp::from_millis;
        for (before, now, expected) in
            [(0, 1, 1), (5_000, 0, 5_000), (90_000, 0, 90_000), (299_999, 0, 299_999), (300_000, 0, 0)]
        {
            assert_eq!(last_seen(at(before), at(now)), at(expected), "{before} {now}");
        }
    }

    #[test]
    fn ephemeral_machines_are_reaped_after_half_an_hour() {
        assert_eq!(REAPED_AFTER.as_secs(), 1800);
    }

    #[test]
    fn silence_means_offline_and_heartbeats_do_not_release() {
        let at = Timestamp::from_millis;
        assert_eq!(Status::Online.effective(at(0), at(89_999)), Status::Online);
        assert_eq!(Status::Online.effective(at(0), at(90_000)), Status::Offline);
        assert_eq!(Status::Quarantined.effective(at(0), at(90_000)), Status::Quarantined);
        assert_eq!(Status::Offline.after_heartbeat(true), Status::Online);
        assert_eq!(Status::Online.after_heartbeat(false), Status::Offline);
        assert_eq!(Status::Pending.after_heartbeat(true), Status::Pending);
        assert_eq!(Status::Quarantined.after_heartbeat(true), Status::Quarantined);
    }
}
