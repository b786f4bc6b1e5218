//! Targets of pings and connections.

use std::net::Ipv4Addr;

use ztna_protocol::access::Grants;

/// A machine that can be pinged and dialled.
pub(super) struct Reachable {
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    /// What this machine may open to it.
    pub(super) grants: Grants,
}

/// An echo request that was sent.
pub(super) struct SentPing {
    pub(super) number: u16,
    pub(super) name: String,
}
