//! The network map: who a machine's peers are, and what they see of it.
//!
//! An organisation's map has versions, which only grow. A machine that has the map of one version is told what
//! changed since; replaying that gives the map as it is.

use std::time::Duration;

use ztna_protocol::region::Region;

use super::machine::Status;

/// So long it is known which machines were removed; who has not asked for longer is told the whole map.
pub const REMOVALS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A machine as its peers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its id, the same as long as it exists.
    pub id: String,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Its address within the tailnet.
    pub tailnet_ip: String,
    /// Its WireGuard public key, base64.
    pub public_key: String,
    /// Where it can be reached, those it prefers first.
    pub endpoints: Vec<String>,
    /// The relay where it listens.
    pub relay: Option<Region>,
    /// Whether it is heard of.
    pub online: bool,
}

/// Which versions of an organisation's map there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The version of the map as it is; at least 1.
    pub version: i64,
    /// Of machines removed up to this version, some are no longer known.
    pub pruned: i64,
}

impl Extent {
    /// Whether all that changed after version `since` is still known. If not, the whole map has to be told.
    pub const fn reaches_back_to(self, since: i64) -> bool {
        since > 0 && self.pruned <= since && since <= self.version
    }
}

/// Whether a machine is a peer of the others: only one that an admin has let in and not cut off, and that holds a token.
pub const fn is_peer(status: Status, logged_in: bool) -> bool {
    logged_in && matches!(status, Status::Online | Status::Offline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_as_far_back_as_they_are_known() {
        let extent = Extent { version: 9, pruned: 4 };
        for (since, known) in [(-1, false), (0, false), (3, false), (4, true), (9, true), (10, false)] {
            assert_eq!(extent.reaches_back_to(since), known, "{since}");
        }
        assert!(!Extent { version: 9, pruned: 0 }.reaches_back_to(0));
    }

    #[test]
    fn removals_are_known_for_a_day() {
        assert_eq!(REMOVALS_KEPT.as_secs(), 86_400);
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
