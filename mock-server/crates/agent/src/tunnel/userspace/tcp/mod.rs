//! TCP through the tunnel: connections that peers ask for, and those to them.
//!
//! A peer that asks is answered only once somebody has decided: [`Netstack::accept`] lets it in, and
//! [`Netstack::reset`] refuses it as if nobody listened, so that a service that is down looks down.

mod connection;
mod knock;
mod stack;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use std::time::Instant;

use connection::Connection;
pub(crate) use connection::{Condition, Received};

/// Connections at a time; those beyond have to ask again.
const MOST: usize = 128;

/// Of these to one peer at most, so that none keeps all others out.
const MOST_WITH_ONE: usize = 64;

/// Packets that ask for connections, between two looks at them.
const MOST_KNOCKS: usize = 64;

/// Ports from here on are for connections to peers (RFC 6335, section 6).
const EPHEMERAL: u16 = 49_152;

/// A connection's number, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(u64);

/// A peer asks for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What it will be, once accepted.
    pub(crate) connection: ConnectionId,
    /// To which port.
    pub(crate) port: u16,
    /// Who asks.
    pub(crate) from: SocketAddrV4,
}

/// The connections of one stack.
#[derive(Default)]
pub(super) struct Connections {
    served: BTreeSet<u16>,
    open: BTreeMap<ConnectionId, Connection>,
    knocks: VecDeque<Vec<u8>>,
    asked: VecDeque<Asked>,
    last: u64,
    last_port: u16,
}

impl Connections {
    /// As [`Netstack::new`]'s `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let [high, low, ..] = seed.to_be_bytes();
        Self { last_port: u16::from_be_bytes([high, low]), ..Self::default() }
    }

    /// When [`Netstack::sweep`] wants to be called next.
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
        for _ in 0..=MOST {
            let port = self.last_port.wrapping_add(1).max(EPHEMERAL);
            self.last_port = port;
            let taken = self.open.values().any(|known| known.port == port && known.remote == to);
            if !taken && !self.served.contains(&port) {
                return Some(port);
            }
        }
        None
    }
}
