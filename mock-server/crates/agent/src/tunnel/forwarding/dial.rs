//! A connection to a peer, as whoever wants it sees it.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::tunnel::status::PingFailure;

/// What came of a wish to be connected.
pub(crate) type Outcome = Result<Dialed, DialFailure>;

/// A peer that can be connected to, or is.
#[derive(Debug)]
pub(crate) enum Dialed {
    /// This host's own network leads to it: there is a TUN device.
    Kernel(Ipv4Addr),
    /// It is connected through the stack of this process.
    Userspace {
        /// Takes the socket whose bytes go to the peer. If nobody brings one, the connection is broken off.
        attach: oneshot::Sender<UnixStream>,
        /// Tells how it ended. Who does not want to know any more breaks it off.
        end: oneshot::Receiver<Ended>,
    },
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// Both sides said and heard everything.
    Closed,
    /// One broke it off, or vanished.
    Lost,
}

/// Why there is no connection.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum DialFailure {
    /// It is nobody that could be pinged either.
    #[error(transparent)]
    Machine(#[from] PingFailure),
    /// The machine is there, but nobody takes connections.
    #[error("{name} ({ip}) refuses connections to port {port}: nothing listens there")]
    Refused {
        /// The machine's name.
        name: String,
        /// Its address in the tailnet.
        ip: Ipv4Addr,
        /// The port.
        port: u16,
    },
    /// It did not answer in time.
    #[error("no answer from port {port} of {named} within {}", humantime::format_duration(*limit))]
    Timeout {
        /// What was asked for.
        named: String,
        /// The port.
        port: u16,
        /// The time it had.
        limit: Duration,
    },
    /// The stack is full, or the tunnel is ending.
    #[error("the tunnel takes no more connections at the moment. Try again when one has ended")]
    Busy,
}
