//! Listeners with room for all agents that return at the same moment.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait to be accepted, within the system's own limit (`net.core.somaxconn`, 4096 on Linux). The
/// standard library asks for 128: beyond that Linux drops packets, and clients repeat them after 1, 3 and 7 s.
const BACKLOG: u32 = 16 * 1024;

/// Listens at an address, which an earlier process may have used until now.
///
/// # Errors
/// The address is in use, is not of this host, or may not be used.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows the option would let another process take the address.
    if cfg!(not(windows)) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
