//! The answers to dial and attach requests.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// The answer to a dial request. After [`DialAnswer::Connected`] one more line follows when the connection has ended, a
/// [`crate::tunnel::ConnectionEnd`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DialAnswer {
    /// The command can connect to this address through the kernel.
    Kernel(Ipv4Addr),
    Connected {
        ticket: u64,
    },
    /// The reason why there is no connection, for display.
    Failure(String),
}

/// Confirms [`Request::Attach`](crate::local_socket::message::Request::Attach); all following bytes belong to the connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) struct Attached {
    pub(super) ticket: u64,
}
