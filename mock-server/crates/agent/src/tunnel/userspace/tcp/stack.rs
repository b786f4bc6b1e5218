//! The TCP interface of the stack.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::Socket;
use smoltcp::wire::IpEndpoint;

use super::connection::{self, Connection, ConnectionStatus, ReadOutcome};
use super::{
    ConnectionId, ConnectionRequest, MAX_CONNECTIONS, MAX_CONNECTIONS_PER_PEER, MAX_PENDING_REQUESTS, request,
};
use crate::tunnel::userspace::Netstack;
use crate::tunnel::userspace::device::Device;

impl Netstack {
    /// Allows peers to request connections to `port`.
    pub(crate) fn serve(&mut self, port: u16) {
        self.tcp.served.insert(port);
    }

    /// Returns the next requested connection, to be [accepted](Netstack::accept) or refused by [`Netstack::reset`].
    pub(crate) fn next_request(&mut self) -> Option<ConnectionRequest> {
        self.tcp.requests.pop_front()
    }

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
    pub(in crate::tunnel::userspace) fn intercept_request(&mut self, packet: Vec<u8>) -> Option<Vec<u8>> {
        match request::read(&packet) {
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
    pub(in crate::tunnel::userspace) fn process_requests(&mut self, now: Instant) {
        while let Some(packet) = self.tcp.pending_requests.pop_front() {
            let Some((from, port)) = request::read(&packet) else { continue };
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

    pub(in crate::tunnel::userspace) fn remove_ended(&mut self, now: Instant) {
        let Self { sockets, device, tcp, .. } = self;
        tcp.open.retain(|_, connection| {
            let over = connection.update(sockets, now);
            if over {
                connection.detach(sockets);
                device.forget(connection.port, connection.remote);
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
            self.device.forget(over.port, over.remote);
        }
        self.tcp.open.len() < MAX_CONNECTIONS
    }
}
