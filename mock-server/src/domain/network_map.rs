//! The network map: the peers of a machine and what they see of each other.
//!
//! An organisation's map has a version that only grows. A machine that holds one version receives the changes since
//! then; applying them yields the current map.

use std::time::Duration;

use ztna_protocol::region::Region;

use super::machine::Status;

/// How long tombstones of removed machines are kept. A machine with an older map receives the whole map.
pub const TOMBSTONE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A machine as its peers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub id: String,
    /// Unique in the organisation.
    pub name: String,
    pub tailnet_ip: String,
    /// The WireGuard public key in base64.
    pub public_key: String,
    /// UDP endpoints in order of preference.
    pub endpoints: Vec<String>,
    /// The region of the relay that it is connected to.
    pub relay: Option<Region>,
    pub online: bool,
    /// Without the prefix `tag:`.
    pub tags: Vec<String>,
}

/// The range of versions for which changes of an organisation's map are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// The current version, at least 1.
    pub version: i64,
    /// Some tombstones up to this version were deleted.
    pub pruned: i64,
    /// The version at which the access rules changed last, or 0.
    pub rules_version: i64,
    /// Whether there are access rules.
    pub restricted: bool,
}

impl VersionRange {
    /// Whether all changes after version `since` are known. Otherwise, the whole map has to be sent.
    pub const fn reaches_back_to(self, since: i64) -> bool {
        since > 0 && self.pruned <= since && since <= self.version
    }
}

/// Whether a machine is visible to its peers: it holds a token and is neither pending nor quarantined.
pub const fn is_peer(status: Status, logged_in: bool) -> bool {
    logged_in && matches!(status, Status::Online | Status::Offline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_reach_back_to_the_last_pruned_version() {
        let range = |pruned| VersionRange { version: 9, pruned, rules_version: 0, restricted: false };
        for (since, known) in [(-1, false), (0, false), (3, false), (4, true), (9, true), (10, false)] {
            assert_eq!(range(4).reaches_back_to(since), known, "{since}");
        }
        assert!(!range(0).reaches_back_to(0));
    }

    #[test]
    fn tombstones_are_kept_for_a_day() {
        assert_eq!(TOMBSTONE_LIFETIME.as_secs(), 86_400);
    }

    #[test]
    fn only_admitted_machines_are_peers() {
        for (status, peer) in [
            (Status::Online, true),
            (Status::Offline, true),
            (Status::Pending, false),
            (Status::Quarantined, false),
        ] {
            assert_eq!((is_peer(status, true), is_peer(status, false)), (peer, false), "{status:?}");
        }
    }
}
