//! What is said over the socket.

use serde::{Deserialize, Serialize};

/// A command to the running `ztna up`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(super) enum Request {
    /// How are you? Answered with a [`RunningStatus`].
    Status,
    /// Stop. Answered by closing the connection once nothing runs any more.
    Stop,
}

/// How the running `ztna up` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningStatus {
    /// Its process id.
    pub(crate) pid: u32,
    /// What it is at.
    pub(crate) phase: Phase,
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
