//! The status of peers and the results of pings.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ztna_protocol::region::Region;

/// A machine that this one may communicate with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PeerStatus {
    pub(crate) name: String,
    pub(crate) ip: Ipv4Addr,
    /// The endpoint, if it is reached directly.
    pub(crate) endpoint: Option<SocketAddr>,
    /// The relay's region, if it is reached through a relay.
    pub(crate) relay: Option<Region>,
    /// Whole seconds since the last handshake.
    pub(crate) last_handshake_seconds: Option<u64>,
    /// Whether the control plane receives heartbeats from it.
    pub(crate) online: bool,
    /// What this machine may open to it by the access rules.
    #[serde(default)]
    pub(crate) access: Access,
    /// The number of packets from and to it that the access rules did not let through.
    #[serde(default)]
    pub(crate) denied_packets: u64,
}

/// What the access rules allow this machine to open to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Access {
    #[default]
    All,
    /// Some ports or protocols.
    Some,
    None,
}

/// The answer to a ping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PingReply {
    pub(crate) name: String,
    pub(crate) ip: Ipv4Addr,
    /// The endpoint, if it is reached directly.
    pub(crate) endpoint: Option<SocketAddr>,
    /// The relay's region, if it is reached through a relay.
    #[serde(default)]
    pub(crate) relay: Option<Region>,
    /// Round-trip time in microseconds.
    pub(crate) microseconds: u64,
}

#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum PingError {
    /// The network map has no such machine.
    #[error("no machine named '{0}' in this network. 'ztna status --json' lists its peers")]
    UnknownMachine(String),
    /// The machine is this one.
    #[error("{0} is this machine itself")]
    Itself(String),
    /// The machine has no known endpoint or relay.
    #[error("{name} ({ip}) cannot be reached: it is not connected. Run 'ztna up' there")]
    Unreachable { name: String, ip: Ipv4Addr },
    /// The access rules do not allow it.
    #[error(
        "{name} ({ip}) cannot be pinged: denied by access rules. Ask an admin for a rule that allows icmp"
    )]
    Denied { name: String, ip: Ipv4Addr },
    /// The machine did not answer in time.
    #[error("no answer from {named} within {}", humantime::format_duration(*limit))]
    Timeout {
        /// The name or address that was requested.
        named: String,
        limit: Duration,
    },
    /// There are too many pings, or the tunnel is closing.
    #[error("too many pings through the tunnel. Try again")]
    Busy,
}
