//! Connections to peers. The command sends the request on one connection to the socket, which stays open and finally
//! reports how the connection ended. It receives a ticket, with which it opens a second connection that carries only
//! the bytes.

mod answer;
mod ask;

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

pub(super) use answer::{Tickets, answer, attach};
pub(crate) use ask::{DialRoute, dial};

/// The answer to a dial request. After [`DialAnswer::Connected`] one more line follows when the connection has ended, a
/// [`crate::agent::tunnel::Ended`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DialAnswer {
    /// The command can connect to this address through the kernel.
    Kernel(Ipv4Addr),
    /// The peer has answered.
    Connected { ticket: u64 },
    /// The reason why there is no connection, for display.
    Failure(String),
}

/// Confirms [`super::message::Request::Attach`]; all following bytes belong to the connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
struct Attached {
    ticket: u64,
}
