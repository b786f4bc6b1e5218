//! The result of dialling a peer.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::tunnel::status::PingError;

/// The result of dialling a port of a peer.
pub(crate) type DialResult = Result<DialedConnection, DialError>;

/// How the dialled port is reached.
#[derive(Debug)]
pub(crate) enum DialedConnection {
    /// Through the kernel, which has a route to this address by the TUN device.
    Kernel(Ipv4Addr),
    /// Through a connection of the IP stack in this process.
    Userspace {
        /// Takes the socket to connect to the peer. Dropping it aborts the connection.
        attach: oneshot::Sender<UnixStream>,
        /// Receives how the connection ended. Dropping it aborts the connection.
        end: oneshot::Receiver<ConnectionEnd>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConnectionEnd {
    /// Both sides have sent and received everything.
    Closed,
    /// It was reset, or the peer has vanished.
    Lost,
}

#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum DialError {
    /// The machine is unknown or unreachable.
    #[error(transparent)]
    Machine(#[from] PingError),
    /// The access rules do not allow it.
    #[error(
        "port {port} of {name} ({ip}) cannot be reached: denied by access rules. Ask an admin for a rule that allows it"
    )]
    Denied { name: String, ip: Ipv4Addr, port: u16 },
    /// The machine answers, but the port is closed.
    #[error("{name} ({ip}) refused the connection to port {port}: nothing listens there")]
    Refused { name: String, ip: Ipv4Addr, port: u16 },
    /// The machine did not answer in time.
    #[error("no answer from port {port} of {named} within {}", humantime::format_duration(*limit))]
    Timeout {
        /// The name or address that was requested.
        named: String,
        port: u16,
        limit: Duration,
    },
    /// There are too many connections, or the tunnel is closing.
    #[error("too many connections through the tunnel. Try again when one has ended")]
    Busy,
}
