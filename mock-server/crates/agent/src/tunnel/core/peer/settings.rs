//! The settings of a peer, and its state for display.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use ztna_protocol::region::Region;

use crate::tunnel::core::access::PeerAccess;
use crate::tunnel::core::peer_path::PeerPath;

/// What the network map says about a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerSettings {
    /// The peer's tailnet address, the only source address that it may use.
    pub(crate) address: Ipv4Addr,
    pub(crate) endpoints: Vec<SocketAddr>,
    /// The region of the relay that the peer is connected to.
    pub(crate) relay: Option<Region>,
    /// Whether the control plane reports the peer online, so that a handshake is worthwhile.
    pub(crate) online: bool,
    /// What the access rules allow.
    pub(crate) access: Arc<PeerAccess>,
}

impl PeerSettings {
    /// Returns the settings of a peer of which only the address is known.
    pub(super) fn unknown(address: Ipv4Addr) -> Self {
        Self { address, endpoints: Vec::new(), relay: None, online: false, access: PeerAccess::nothing() }
    }

    pub(super) fn has_location(&self) -> bool {
        self.relay.is_some() || !self.endpoints.is_empty()
    }

    /// Returns whether the peer has signed off, which clears its location; one that is just silent keeps it.
    pub(super) fn are_signed_off(&self) -> bool {
        !self.online && !self.has_location()
    }

    pub(super) fn location_differs(&self, other: &Self) -> bool {
        (&self.endpoints, self.relay) != (&other.endpoints, other.relay)
    }
}

/// The state of a peer, for display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerState {
    pub(crate) path: Option<PeerPath>,
    /// When the last handshake was completed.
    pub(crate) last_handshake: Option<Instant>,
    /// Whether any path to the peer is known.
    pub(crate) reachable: bool,
    /// The number of packets from and to the peer that the access rules did not let through.
    pub(crate) denied: u64,
}
