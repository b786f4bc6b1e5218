//! The messages on the local socket.

use serde::{Deserialize, Serialize};
use ztna_protocol::region::Region;

use crate::tunnel::{Mode, PeerStatus, PingReply};

/// A request to the running `ztna up`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(super) enum Request {
    Status,
    /// Stops `ztna up`. Answered by closing the connection once it has stopped.
    Stop,
    /// Pings a machine. Answered with a [`PingAnswer`].
    Ping {
        /// Name or tailnet address.
        machine: String,
        /// Time limit in milliseconds.
        limit: u64,
    },
    /// Connects to a machine. Answered with a `DialAnswer` of `super::dial`.
    Dial {
        /// Name or tailnet address.
        machine: String,
        port: u16,
        /// Time limit in milliseconds.
        limit: u64,
    },
    /// Turns this connection into the byte stream of a dialled connection.
    Attach {
        ticket: u64,
    },
}

/// The result of a ping.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PingAnswer {
    Pong(PingReply),
    /// The reason why it did not, for display.
    Failure(String),
}

/// The status of the running `ztna up`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningStatus {
    pub(crate) pid: u32,
    pub(crate) phase: Phase,
    /// `None` without a tunnel.
    #[serde(default)]
    pub(crate) mode: Option<Mode>,
    /// The region of the relay that this machine is connected to.
    #[serde(default)]
    pub(crate) derp_region: Option<Region>,
    /// The machines that this one may communicate with.
    #[serde(default)]
    pub(crate) peers: Vec<PeerStatus>,
}

/// The phase of the running `ztna up`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Not registered yet, or no heartbeat was answered yet.
    Starting,
    /// Registered; awaits approval by an administrator.
    Pending,
    /// The control plane answers the heartbeats.
    Online,
    /// An administrator quarantined the machine.
    Quarantined,
    /// The control plane does not answer.
    Unreachable,
}
