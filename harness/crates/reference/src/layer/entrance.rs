//! Where connections come in. One to the relay is a WebSocket, whose bytes go to the reference as they are.

use std::io;
use std::net::SocketAddr;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How such a connection begins.
const RELAY: &[u8] = b"GET /relay ";
/// What makes it more than one request of many on a connection that is used again.
const UPGRADE: &[u8] = b"connection: upgrade\r\n";
const LONGEST_HEAD: usize = 4096;
const WAITING: usize = 64;

/// Connections that speak HTTP from beginning to end.
pub(super) struct Entrance {
    arrived: mpsc::Receiver<(TcpStream, SocketAddr)>,
    address: SocketAddr,
    door: JoinHandle<()>,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Entrance {
    /// Takes connections from a listener; those to the relay go to `origin`.
    pub(super) fn open(listener: TcpListener, origin: SocketAddr) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, arrived) = mpsc::channel(WAITING);
        let door = tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                // Who connects and says nothing must not keep others waiting.
                tokio::spawn(admit(stream, peer, origin, sender.clone()));
            }
        });
        Ok(Self { arrived, address, door })
    }
}

impl Listener for Entrance {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        match self.arrived.recv().await {
            Some(arrived) => arrived,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.door.abort();
    }
}

impl Connected<IncomingStream<'_, Entrance>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Entrance>) -> Self {
        Self(*stream.remote_addr())
    }
}

async fn admit(
    mut stream: TcpStream,
    peer: SocketAddr,
    origin: SocketAddr,
    others: mpsc::Sender<(TcpStream, SocketAddr)>,
) {
    let _ = stream.set_nodelay(true);
    let mut head = vec![0; LONGEST_HEAD];
    let seen = stream.peek(&mut head).await.unwrap_or_default();
    if !is_upgrade(head.get(..seen).unwrap_or_default()) {
        let _ = others.send((stream, peer)).await;
        return;
    }
    // A connection that breaks breaks on both sides.
    if let Ok(mut further) = TcpStream::connect(origin).await {
        let _ = further.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut further).await;
    }
}

fn is_upgrade(head: &[u8]) -> bool {
    head.starts_with(RELAY) && head.windows(UPGRADE.len()).any(|window| window.eq_ignore_ascii_case(UPGRADE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_websocket_goes_around_the_layer() {
        for (head, expected) in [
            ("GET /relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true),
            ("GET /relay HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", false),
            ("GET /relays HTTP/1.1\r\nConnection: upgrade\r\n\r\n", false),
            ("GET /api HTTP/1.1\r\n\r\nGET /relay HTTP/1.1\r\nConnection: upgrade\r\n\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_upgrade(head.as_bytes()), expected, "{head}");
        }
    }
}
