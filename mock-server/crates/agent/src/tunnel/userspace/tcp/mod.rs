//! TCP through the tunnel: connections requested by peers and connections to peers.
//!
//! A request is answered only after a decision: `Netstack::accept` accepts it, and `Netstack::reset` refuses it as if
//! nothing listened, so that peers see when a service is down.

mod connection;
mod request;
mod stack;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use std::time::Instant;

use connection::Connection;
pub(crate) use connection::{ConnectionStatus, ReadOutcome};

/// Upper bound of connections; further requests are dropped, so that the peer repeats them.
const MAX_CONNECTIONS: usize = 128;

/// Upper bound of connections with one peer, so that it cannot use up all.
const MAX_CONNECTIONS_PER_PEER: usize = 64;

/// Upper bound of unprocessed requests.
const MAX_PENDING_REQUESTS: usize = 64;

/// The first local port of connections to peers (RFC 6335, section 6).
const FIRST_EPHEMERAL_PORT: u16 = 49_152;

/// The number of a connection, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(u64);

/// A connection requested by a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionRequest {
    pub(crate) connection: ConnectionId,
    pub(crate) port: u16,
    pub(crate) from: SocketAddrV4,
}

/// The connections of one stack.
#[derive(Default)]
pub(super) struct Connections {
    served: BTreeSet<u16>,
    open: BTreeMap<ConnectionId, Connection>,
    pending_requests: VecDeque<Vec<u8>>,
    requests: VecDeque<ConnectionRequest>,
    last: u64,
    last_port: u16,
}

impl Connections {
    pub(super) fn new(seed: u64) -> Self {
        let [high, low, ..] = seed.to_be_bytes();
        Self { last_port: u16::from_be_bytes([high, low]), ..Self::default() }
    }

    /// Returns when `Netstack::remove_ended` must be called next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.open.values().filter_map(Connection::deadline).min()
    }

    fn add(&mut self, connection: Connection) -> ConnectionId {
        self.last += 1;
        let id = ConnectionId(self.last);
        self.open.insert(id, connection);
        id
    }

    fn free_port(&mut self, to: SocketAddrV4) -> Option<u16> {
        for _ in 0..=MAX_CONNECTIONS {
            let port = self.last_port.wrapping_add(1).max(FIRST_EPHEMERAL_PORT);
            self.last_port = port;
            let taken = self.open.values().any(|known| known.port == port && known.remote == to);
            if !taken && !self.served.contains(&port) {
                return Some(port);
            }
        }
        None
    }
}
