//! Targets of pings and connections.

use std::net::Ipv4Addr;

/// A machine that can be pinged and dialled.
pub(super) struct Reachable {
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
}

/// An echo request that was sent.
pub(super) struct SentPing {
    pub(super) number: u16,
    pub(super) name: String,
}
