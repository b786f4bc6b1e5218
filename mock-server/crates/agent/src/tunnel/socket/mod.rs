//! The UDP socket of the tunnel, which sends and receives many datagrams per system call.

mod batch_sender;

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::core::Batch;
use batch_sender::BatchSender;

/// Requested size of the kernel's buffer in each direction. One batch is up to 64 KiB.
const SOCKET_BUFFER_LEN: usize = 4 << 20;

/// Number of buffers that one call may fill, each with up to 64 datagrams of one sender.
const BUFFER_COUNT: usize = 4;

const BUFFER_LEN: usize = 1 << 16;

pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    sender: BatchSender,
    buffers: Vec<Vec<u8>>,
    port: u16,
}

impl Socket {
    /// Opens a socket on a port chosen by the system.
    pub(super) fn open() -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let state = UdpSocketState::new((&socket).into())?;
        // quinn-udp forbids fragmentation for its own path MTU discovery; here fragments are better than no delivery.
        sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::WANT)?;
        enlarge(&socket);
        let port = socket.local_addr()?.port();
        let socket = UdpSocket::from_std(socket)?;
        Ok(Self {
            socket,
            state,
            sender: BatchSender::default(),
            buffers: vec![vec![0; BUFFER_LEN]; BUFFER_COUNT],
            port,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    /// Passes the datagrams of one system call to `each`. Returns whether there may be more.
    pub(super) fn receive(&mut self, mut each: impl FnMut(SocketAddr, &[u8])) -> io::Result<bool> {
        let Self { socket, state, buffers, .. } = self;
        let mut metas = [RecvMeta::default(); BUFFER_COUNT];
        let received = socket.try_io(Interest::READABLE, || {
            let mut slices = buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer));
            let mut slices: [IoSliceMut<'_>; BUFFER_COUNT] =
                std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
            state.recv((&*socket).into(), &mut slices, &mut metas)
        })?;
        for (meta, buffer) in metas.iter().zip(buffers.iter()).take(received) {
            let filled = buffer.get(..meta.len).unwrap_or_default();
            filled.chunks(meta.stride.max(1)).for_each(|datagram| each(meta.addr, datagram));
        }
        Ok(received == BUFFER_COUNT)
    }

    /// Sends the unsent datagrams of `batch`.
    ///
    /// # Errors
    /// `WouldBlock` if the rest must be sent later. On any other error the datagram is dropped, since WireGuard and the
    /// protocols inside retransmit.
    pub(super) fn send(&mut self, to: SocketAddr, batch: &mut Batch) -> io::Result<()> {
        let Self { socket, state, sender, .. } = self;
        sender.send(batch, |contents, segment_size| {
            let transmit = Transmit { destination: to, ecn: None, contents, segment_size, src_ip: None };
            socket.try_io(Interest::WRITABLE, || state.try_send((&*socket).into(), &transmit))
        })
    }
}

/// Enlarges the kernel's buffers beyond the limit for ordinary users if possible.
fn enlarge(socket: &std::net::UdpSocket) {
    if sockopt::set_socket_recv_buffer_size_force(socket, SOCKET_BUFFER_LEN).is_err() {
        let _ = sockopt::set_socket_recv_buffer_size(socket, SOCKET_BUFFER_LEN);
    }
    if sockopt::set_socket_send_buffer_size_force(socket, SOCKET_BUFFER_LEN).is_err() {
        let _ = sockopt::set_socket_send_buffer_size(socket, SOCKET_BUFFER_LEN);
    }
}
