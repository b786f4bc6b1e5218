//! TCP as the stack offers it: what is done with each connection.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::Socket;
use smoltcp::wire::IpEndpoint;

use super::connection::{self, Condition, Connection, Received};
use super::{Asked, ConnectionId, MOST, MOST_KNOCKS, MOST_WITH_ONE, knock};
use crate::tunnel::userspace::Netstack;
use crate::tunnel::userspace::device::Device;

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
    pub(in crate::tunnel::userspace) fn knock(&mut self, packet: Vec<u8>) -> Option<Vec<u8>> {
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
    pub(in crate::tunnel::userspace) fn admit(&mut self, now: Instant) {
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
    pub(in crate::tunnel::userspace) fn sweep(&mut self, now: Instant) {
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
