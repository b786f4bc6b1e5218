//! TCP through the tunnel: connections that peers ask for, and those to them.
//!
//! A peer that asks is answered only once somebody has decided: [`Netstack::accept`] lets it in, and
//! [`Netstack::reset`] refuses it as if nobody listened, so that a service that is down looks down.

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

impl Netstack {
    /// From now on peers may ask for connections to `port`.
    pub(crate) fn serve(&mut self, port: u16) {
        self.tcp.served.insert(port);
    }

    /// The next connection that is asked for. It is refused, if not [accepted](Netstack::accept), by
    /// [`Netstack::reset`].
    pub(crate) fn asked(&mut self) -> Option<Asked> {
        self.tcp.asked.pop_front()
    }

    /// Lets in the peer that asked for this connection.
    pub(crate) fn accept(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection).filter(|known| known.is_undecided()) {
            known.join(&mut self.sockets);
        }
    }

    /// Begins a connection to a peer; nothing if there are too many already, or nobody can be there.
    pub(crate) fn dial(&mut self, to: SocketAddrV4, now: Instant) -> Option<ConnectionId> {
        if !self.make_room(*to.ip()) {
            return None;
        }
        let port = self.tcp.free_port(to)?;
        let mut socket = connection::socket();
        let remote = IpEndpoint::new((*to.ip()).into(), to.port());
        socket.connect(self.interface.context(), remote, port).ok()?;
        let mut connection = Connection::new(socket, to, port, now);
        connection.join(&mut self.sockets);
        Some(self.tcp.add(connection))
    }

    /// How the connection is; [`Condition::Lost`] if there is none.
    pub(crate) fn condition(&mut self, connection: ConnectionId, now: Instant) -> Condition {
        let known = self.tcp.open.get_mut(&connection);
        known.map_or(Condition::Lost, |known| known.condition(&mut self.sockets, now))
    }

    /// Shows `take` what came from the peer; it tells how much of it it took.
    pub(crate) fn read(&mut self, connection: ConnectionId, take: impl FnOnce(&[u8]) -> usize) -> Received {
        let known = self.tcp.open.get_mut(&connection);
        known.map_or(Received::Lost, |known| known.read(&mut self.sockets, take))
    }

    /// Whether there is something to read.
    pub(crate) fn has_received(&mut self, connection: ConnectionId) -> bool {
        let known = self.tcp.open.get_mut(&connection);
        known.is_some_and(|known| known.socket(&mut self.sockets).can_recv())
    }

    /// Lets `fill` write for the peer, if there is room; how much it wrote.
    pub(crate) fn write(&mut self, connection: ConnectionId, fill: impl FnOnce(&mut [u8]) -> usize) -> usize {
        let known = self.tcp.open.get_mut(&connection);
        known.map_or(0, |known| known.write(&mut self.sockets, fill))
    }

    /// Whether there is room to write.
    pub(crate) fn has_room(&mut self, connection: ConnectionId) -> bool {
        let known = self.tcp.open.get_mut(&connection);
        known.is_some_and(|known| known.socket(&mut self.sockets).can_send())
    }

    /// Tells the peer, after what was written, that nothing more comes. It may still be read from.
    pub(crate) fn finish(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection) {
            known.finish(&mut self.sockets);
        }
    }

    /// Breaks the connection off, or refuses it if it was asked for, and forgets it.
    pub(crate) fn reset(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection) {
            known.reset(&mut self.sockets);
        }
    }

    /// Forgets a connection that has ended.
    pub(crate) fn forget(&mut self, connection: ConnectionId) {
        if let Some(known) = self.tcp.open.get_mut(&connection) {
            known.forgotten = true;
        }
    }

    /// Takes a packet that asks for a connection to a served port; gives back any other.
    pub(super) fn knock(&mut self, packet: Vec<u8>) -> Option<Vec<u8>> {
        match knock::read(&packet) {
            Some((_, port)) if self.tcp.served.contains(&port) => {
                if self.tcp.knocks.len() < MOST_KNOCKS {
                    self.tcp.knocks.push_back(packet);
                }
                None
            }
            _ => Some(packet),
        }
    }

    /// Gives each that knocked a socket of its own, which does not answer before it is accepted.
    pub(super) fn admit(&mut self, now: Instant) {
        while let Some(packet) = self.tcp.knocks.pop_front() {
            let Some((from, port)) = knock::read(&packet) else { continue };
            let same = |known: &&Connection| known.remote == from && known.port == port && !known.is_over();
            match self.tcp.open.values().find(same).map(Connection::is_undecided) {
                // A repetition: the answer is still to come.
                Some(true) => {}
                Some(false) => self.device.deliver(packet),
                None if self.make_room(*from.ip()) => {
                    if let Some(socket) = self.listen(port, packet, now) {
                        let connection = self.tcp.add(Connection::new(socket, from, port, now));
                        self.tcp.asked.push_back(Asked { connection, port, from });
                    }
                }
                None => {}
            }
        }
    }

    /// A socket that took in this packet; nothing if it asks for no connection after all.
    fn listen(&mut self, port: u16, packet: Vec<u8>, now: Instant) -> Option<Socket<'static>> {
        let mut socket = connection::socket();
        socket.listen(port).ok()?;
        let (mut alone, mut only) = (Device::default(), SocketSet::new(Vec::with_capacity(1)));
        let handle = only.add(socket);
        alone.deliver(packet);
        let time = self.time(now);
        self.interface.poll_ingress_single(time, &mut alone, &mut only);
        match only.remove(handle) {
            smoltcp::socket::Socket::Tcp(socket) if !socket.is_listening() => Some(socket),
            _ => None,
        }
    }

    /// Lets go of what nobody needs any more.
    pub(super) fn sweep(&mut self, now: Instant) {
        let sockets = &mut self.sockets;
        self.tcp.open.retain(|_, connection| {
            let over = connection.settle(sockets, now);
            if over {
                connection.step_aside(sockets);
            }
            !over
        });
    }

    /// Whether there may be one more connection, with this peer.
    fn make_room(&mut self, with: Ipv4Addr) -> bool {
        let same = self.tcp.open.values().filter(|known| *known.remote.ip() == with && !known.is_over());
        if same.count() >= MOST_WITH_ONE {
            return false;
        }
        if self.tcp.open.len() < MOST {
            return true;
        }
        // The one that has been over for longest has the lowest number, nearly.
        let over = self.tcp.open.iter().find(|(_, known)| known.is_over()).map(|(id, _)| *id);
        if let Some(mut over) = over.and_then(|id| self.tcp.open.remove(&id)) {
            over.step_aside(&mut self.sockets);
        }
        self.tcp.open.len() < MOST
    }
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
