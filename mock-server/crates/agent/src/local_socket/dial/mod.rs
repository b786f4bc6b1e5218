//! Connections to peers. The command asks on one connection to the socket, which stays open and tells in the end how
//! it ended; with the ticket that it is given it opens another one, which then carries the bytes and nothing else.

mod answer;
mod ask;

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

pub(super) use answer::{Tickets, answer, attach};
pub(crate) use ask::{Way, dial};

/// What came of a request to be connected. After [`DialAnswer::Connected`] there is one more line when the connection
/// has ended, a [`crate::tunnel::Ended`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DialAnswer {
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
struct Attached {
    /// As brought.
    ticket: u64,
}
