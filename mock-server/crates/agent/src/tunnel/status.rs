//! What a tunnel tells of its peers.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ztna_protocol::region::Region;

/// A machine this one may speak to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PeerStatus {
    /// Its name.
    pub(crate) name: String,
    /// Its address in the tailnet.
    pub(crate) ip: Ipv4Addr,
    /// Where it is reached directly.
    pub(crate) endpoint: Option<SocketAddr>,
    /// Or through which relay.
    pub(crate) relay: Option<Region>,
    /// Whole seconds since the last handshake with it.
    pub(crate) last_handshake_seconds: Option<u64>,
    /// Whether the control plane hears of it.
    pub(crate) online: bool,
}

/// A machine that answered a ping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pinged {
    /// Its name.
    pub(crate) name: String,
    /// Its address in the tailnet.
    pub(crate) ip: Ipv4Addr,
    /// Where it is reached directly.
    pub(crate) endpoint: Option<SocketAddr>,
    /// Or through which relay.
    #[serde(default)]
    pub(crate) relay: Option<Region>,
    /// How long it took, in microseconds.
    pub(crate) microseconds: u64,
}

/// Why a ping was not answered.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum PingFailure {
    /// No such machine in the network map.
    #[error("no machine named '{0}' in this network. 'ztna status --json' lists its peers")]
    UnknownMachine(String),
    /// It is this machine.
    #[error("{0} is this machine itself")]
    Itself(String),
    /// It has not told where it is.
    #[error("{name} ({ip}) cannot be reached: it has no tunnel. Run 'ztna up' there")]
    Unreachable {
        /// Its name.
        name: String,
        /// Its address in the tailnet.
        ip: Ipv4Addr,
    },
    /// It did not answer in time.
    #[error("no answer from {named} within {}", humantime::format_duration(*limit))]
    Timeout {
        /// What was asked for.
        named: String,
        /// The time it had.
        limit: Duration,
    },
    /// Too many pings at once, or the tunnel is ending.
    #[error("the tunnel takes no more pings at the moment. Try again")]
    Busy,
}
