//! What is said of a connection.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// What came of a request to be connected. After [`DialAnswer::Connected`] there is one more line when the connection
/// has ended, a [`crate::tunnel::Ended`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DialAnswer {
    /// The command can connect to this address by itself.
    Kernel(Ipv4Addr),
    /// The peer has answered.
    Connected {
        /// What to bring.
        ticket: u64,
    },
    /// Why there is no connection, in words.
    Failure(String),
}

/// From the next byte on the connection is the peer's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) struct Attached {
    /// As brought.
    pub(super) ticket: u64,
}
