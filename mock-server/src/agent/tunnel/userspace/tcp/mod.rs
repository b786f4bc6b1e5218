//! TCP through the tunnel: connections requested by peers and connections to peers.
//!
//! A request is answered sockets after a decision: [`Netstack::accept`] accepts it, and [`Netstack::reset`] refuses it as if
//! nothing listened, so that peers see when a service is down.

mod connection;
mod knock;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::Socket;
use smoltcp::wire::IpEndpoint;

use super::Netstack;
use super::device::Device;
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
    /// The connection, once accepted.
    pub(crate) connection: ConnectionId,
    /// The local port.
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

impl Netstack {
    /// Allows peers to request connections to `port`.
    pub(crate) fn serve(&mut self, port: u16) {
        self.tcp.served.insert(port);
    }

    /// Returns the next requested connection, to be [accepted](Netstack::accept) or refused by [`Netstack::reset`].
    pub(crate) fn next_request(&mut self) -> Option<ConnectionRequest> {
        self.tcp.requests.pop_front()
    }

    /// Accepts a requested connection.
    pub(crate) fn accept(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection).filter(|known| known.awaits_decision()) {
            known.attach(&mut self.sockets);
        }
    }

    /// Starts a connection to a peer. Returns `None` if there are too many connections or the address is invalid.
    pub(crate) fn dial(&mut self, to: SocketAddrV4, now: Instant) -> Option<ConnectionId> {
        if !self.make_room(*to.ip()) {
            return None;
        }
        let port = self.tcp.free_port(to)?;
        let mut socket = connection::socket();
        let remote = IpEndpoint::new((*to.ip()).into(), to.port());
        socket.connect(self.interface.context(), remote, port).ok()?;
        let mut connection = Connection::new(socket, to, port, now);
        connection.attach(&mut self.sockets);
        Some(self.tcp.add(connection))
    }

    /// Returns the status of the connection; [`ConnectionStatus::Lost`] if there is none.
    pub(crate) fn connection_status(&mut self, connection: ConnectionId, now: Instant) -> ConnectionStatus {
        let known = self.tcp.open.get_mut(&connection);
        known.map_or(ConnectionStatus::Lost, |known| known.status(&mut self.sockets, now))
    }

    /// Passes received bytes to `take`, which returns how many it took.
    pub(crate) fn read(
        &mut self,
        connection: ConnectionId,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> ReadOutcome {
        let known = self.tcp.open.get_mut(&connection);
        known.map_or(ReadOutcome::Lost, |known| known.read(&mut self.sockets, take))
    }

    /// Returns whether there is something to read.
    pub(crate) fn has_received(&mut self, connection: ConnectionId) -> bool {
        let known = self.tcp.open.get_mut(&connection);
        known.is_some_and(|known| known.socket(&mut self.sockets).can_recv())
    }

    /// Lets `fill` write into the free space, if there is any, and returns the number of bytes written.
    pub(crate) fn write(&mut self, connection: ConnectionId, fill: impl FnOnce(&mut [u8]) -> usize) -> usize {
        let known = self.tcp.open.get_mut(&connection);
        known.map_or(0, |known| known.write(&mut self.sockets, fill))
    }

    /// Returns whether there is space to write.
    pub(crate) fn has_room(&mut self, connection: ConnectionId) -> bool {
        let known = self.tcp.open.get_mut(&connection);
        known.is_some_and(|known| known.socket(&mut self.sockets).can_send())
    }

    /// Closes the write direction after the written bytes; reading is still possible.
    pub(crate) fn finish(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection) {
            known.finish(&mut self.sockets);
        }
    }

    /// Resets the connection, or refuses it if it was requested, and releases it.
    pub(crate) fn reset(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection) {
            known.reset(&mut self.sockets);
        }
    }

    /// Releases a connection that has ended.
    pub(crate) fn release(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection) {
            known.released = true;
        }
    }

    /// Queues a packet that requests a connection to a served port; returns any other.
    pub(super) fn intercept_request(&mut self, packet: Vec<u8>) -> Option<Vec<u8>> {
        match knock::read(&packet) {
            Some((_, port)) if self.tcp.served.contains(&port) => {
                if self.tcp.pending_requests.len() < MAX_PENDING_REQUESTS {
                    self.tcp.pending_requests.push_back(packet);
                }
                None
            }
            _ => Some(packet),
        }
    }

    /// Creates a socket for each request, which does not answer before it is accepted.
    pub(super) fn process_requests(&mut self, now: Instant) {
        while let Some(packet) = self.tcp.pending_requests.pop_front() {
            let Some((from, port)) = knock::read(&packet) else { continue };
            let same = |known: &&Connection| known.remote == from && known.port == port && !known.has_ended();
            match self.tcp.open.values().find(same).map(Connection::awaits_decision) {
                // A repeated request that was not answered yet.
                Some(true) => {}
                Some(false) => self.device.deliver(packet),
                None if self.make_room(*from.ip()) => {
                    if let Some(socket) = self.listen(port, packet, now) {
                        let connection = self.tcp.add(Connection::new(socket, from, port, now));
                        self.tcp.requests.push_back(ConnectionRequest { connection, port, from });
                    }
                }
                None => {}
            }
        }
    }

    /// Creates a socket that has processed this packet; `None` if the packet turns out to be no valid request.
    fn listen(&mut self, port: u16, packet: Vec<u8>, now: Instant) -> Option<Socket<'static>> {
        let mut socket = connection::socket();
        socket.listen(port).ok()?;
        let (mut device, mut sockets) = (Device::default(), SocketSet::new(Vec::with_capacity(1)));
        let handle = sockets.add(socket);
        device.deliver(packet);
        let time = self.time(now);
        self.interface.poll_ingress_single(time, &mut device, &mut sockets);
        match sockets.remove(handle) {
            smoltcp::socket::Socket::Tcp(socket) if !socket.is_listening() => Some(socket),
            _ => None,
        }
    }

    /// Removes ended connections.
    pub(super) fn remove_ended(&mut self, now: Instant) {
        let sockets = &mut self.sockets;
        self.tcp.open.retain(|_, connection| {
            let over = connection.update(sockets, now);
            if over {
                connection.detach(sockets);
            }
            !over
        });
    }

    /// Returns whether one more connection with this peer is allowed, and removes an ended one if necessary.
    fn make_room(&mut self, with: Ipv4Addr) -> bool {
        let same = self.tcp.open.values().filter(|known| *known.remote.ip() == with && !known.has_ended());
        if same.count() >= MAX_CONNECTIONS_PER_PEER {
            return false;
        }
        if self.tcp.open.len() < MAX_CONNECTIONS {
            return true;
        }
        // The lowest number is roughly the one that ended first.
        let over = self.tcp.open.iter().find(|(_, known)| known.has_ended()).map(|(id, _)| *id);
        if let Some(mut over) = over.and_then(|id| self.tcp.open.remove(&id)) {
            over.detach(&mut self.sockets);
        }
        self.tcp.open.len() < MAX_CONNECTIONS
    }
}

impl Connections {
    pub(super) fn new(seed: u64) -> Self {
        let [high, low, ..] = seed.to_be_bytes();
        Self { last_port: u16::from_be_bytes([high, low]), ..Self::default() }
    }

    /// Returns when [`Netstack::remove_ended`] must be called next.
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
