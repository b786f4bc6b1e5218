//! The UDP socket of the tunnel: as many datagrams in one call as the system takes and gives.

mod sending;

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::core::Batch;
use sending::Sending;

/// What the system should keep for the socket in each direction. A burst of one batch is 64 KiB.
const SYSTEM_BUFFER: usize = 4 << 20;

/// Buffers that one call may fill, each with up to 64 datagrams of one sender.
const BUFFERS: usize = 4;

/// The longest that one can be.
const BUFFER: usize = 1 << 16;

/// The socket.
pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    sending: Sending,
    buffers: Vec<Vec<u8>>,
    port: u16,
}

impl Socket {
    /// One with a port that the system chooses.
    ///
    /// # Errors
    /// The system's, if it gives no socket.
    pub(super) fn open() -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let state = UdpSocketState::new((&socket).into())?;
        // It forbids fragments, for its own discovery of the path: here a narrow path is rather sent fragments than nothing.
        sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::WANT)?;
        enlarge(&socket);
        let port = socket.local_addr()?.port();
        let socket = UdpSocket::from_std(socket)?;
        Ok(Self { socket, state, sending: Sending::default(), buffers: vec![vec![0; BUFFER]; BUFFERS], port })
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for datagrams.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Waits for room for datagrams.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    /// Hands over the datagrams that are there, those of one call at most; whether there may be more.
    pub(super) fn receive(&mut self, mut each: impl FnMut(SocketAddr, &[u8])) -> io::Result<bool> {
        let Self { socket, state, buffers, .. } = self;
        let mut metas = [RecvMeta::default(); BUFFERS];
        let received = socket.try_io(Interest::READABLE, || {
            let mut slices = buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer));
            let mut slices: [IoSliceMut<'_>; BUFFERS] =
                std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
            state.recv((&*socket).into(), &mut slices, &mut metas)
        })?;
        for (meta, buffer) in metas.iter().zip(buffers.iter()).take(received) {
            let filled = buffer.get(..meta.len).unwrap_or_default();
            filled.chunks(meta.stride.max(1)).for_each(|datagram| each(meta.addr, datagram));
        }
        Ok(received == BUFFERS)
    }

    /// Sends what is left of `batch`, which knows what has gone.
    ///
    /// # Errors
    /// `WouldBlock` if the rest has to wait. Every other failure loses the datagram it is about: WireGuard and what is
    /// inside repeat what matters.
    pub(super) fn send(&mut self, to: SocketAddr, batch: &mut Batch) -> io::Result<()> {
        let Self { socket, state, sending, .. } = self;
        sending.send(batch, |contents, segment_size| {
            let transmit = Transmit { destination: to, ecn: None, contents, segment_size, src_ip: None };
            socket.try_io(Interest::WRITABLE, || state.try_send((&*socket).into(), &transmit))
        })
    }
}

/// Asks for more than an ordinary user gets, takes what there is.
fn enlarge(socket: &std::net::UdpSocket) {
    if sockopt::set_socket_recv_buffer_size_force(socket, SYSTEM_BUFFER).is_err() {
        let _ = sockopt::set_socket_recv_buffer_size(socket, SYSTEM_BUFFER);
    }
    if sockopt::set_socket_send_buffer_size_force(socket, SYSTEM_BUFFER).is_err() {
        let _ = sockopt::set_socket_send_buffer_size(socket, SYSTEM_BUFFER);
    }
}
