//! What is said over the socket.

use serde::{Deserialize, Serialize};
use ztna_protocol::region::Region;

use crate::tunnel::{Mode, PeerStatus, Pinged};

/// A command to the running `ztna up`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(super) enum Request {
    /// How are you? Answered with a [`RunningStatus`].
    Status,
    /// Stop. Answered by closing the connection once nothing runs any more.
    Stop,
    /// Is this machine there? Answered with a [`PingAnswer`].
    Ping {
        /// Its name or tailnet address.
        machine: String,
        /// How long it may take, in milliseconds.
        limit: u64,
    },
    /// Connect me to this machine. Answered with a [`DialAnswer`](super::dial).
    Dial {
        /// Its name or tailnet address.
        machine: String,
        /// The TCP port.
        port: u16,
        /// How long it may take, in milliseconds.
        limit: u64,
    },
    /// This is for the bytes of a connection that was made before.
    Attach {
        /// Which.
        ticket: u64,
    },
}

/// What came of a ping.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PingAnswer {
    /// It answered.
    Pong(Pinged),
    /// Why it did not, in words.
    Failure(String),
}

/// How the running `ztna up` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningStatus {
    /// Its process id.
    pub(crate) pid: u32,
    /// What it is at.
    pub(crate) phase: Phase,
    /// What its tunnel ends in; nothing without a tunnel.
    #[serde(default)]
    pub(crate) mode: Option<Mode>,
    /// The region at whose relay it is reached.
    #[serde(default)]
    pub(crate) derp_region: Option<Region>,
    /// The machines it may speak to.
    #[serde(default)]
    pub(crate) peers: Vec<PeerStatus>,
}

/// What the running `ztna up` is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Not registered yet, or no heartbeat answered yet.
    Starting,
    /// Registered; an administrator has to approve.
    Pending,
    /// The control plane answers the heartbeats.
    Online,
    /// An administrator cut the machine off.
    Quarantined,
    /// The control plane does not answer.
    Unreachable,
}
