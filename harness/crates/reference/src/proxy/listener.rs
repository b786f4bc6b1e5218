//! Accepts the proxy's connections. Those to the relay are WebSockets, whose bytes are copied to the reference unchanged.

use std::io;
use std::net::SocketAddr;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How a connection to the relay begins.
const RELAY_REQUEST: &[u8] = b"GET /relay ";
/// Tells a WebSocket from an ordinary request, whose connection may carry other requests later.
const UPGRADE_HEADER: &[u8] = b"connection: upgrade\r\n";
const MAX_HEAD_BYTES: usize = 4096;
const MAX_PENDING: usize = 64;

/// Yields the connections that carry ordinary HTTP.
pub(super) struct ProxyListener {
    accepted: mpsc::Receiver<(TcpStream, SocketAddr)>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct PeerAddress(pub(super) SocketAddr);

impl ProxyListener {
    pub(super) fn new(listener: TcpListener, upstream: SocketAddr) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(MAX_PENDING);
        let task = tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                // A task each: a client that connects and sends nothing must not block the others.
                tokio::spawn(dispatch(stream, peer, upstream, sender.clone()));
            }
        });
        Ok(Self { accepted, address, task })
    }
}

impl Listener for ProxyListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for ProxyListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connected<IncomingStream<'_, ProxyListener>> for PeerAddress {
    fn connect_info(stream: IncomingStream<'_, ProxyListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

async fn dispatch(
    mut stream: TcpStream,
    peer: SocketAddr,
    upstream: SocketAddr,
    http: mpsc::Sender<(TcpStream, SocketAddr)>,
) {
    let _ = stream.set_nodelay(true);
    let mut head = vec![0; MAX_HEAD_BYTES];
    let length = stream.peek(&mut head).await.unwrap_or_default();
    if !is_relay_upgrade(head.get(..length).unwrap_or_default()) {
        let _ = http.send((stream, peer)).await;
        return;
    }
    // An error on one side closes both connections, which is all that can be done about it.
    if let Ok(mut relay) = TcpStream::connect(upstream).await {
        let _ = relay.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut relay).await;
    }
}

fn is_relay_upgrade(head: &[u8]) -> bool {
    head.starts_with(RELAY_REQUEST)
        && head.windows(UPGRADE_HEADER.len()).any(|window| window.eq_ignore_ascii_case(UPGRADE_HEADER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_websockets_to_the_relay_bypass_the_proxy() {
        for (head, expected) in [
            ("GET /relay HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true),
            ("GET /relay HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", false),
            ("GET /relays HTTP/1.1\r\nConnection: upgrade\r\n\r\n", false),
            ("GET /api HTTP/1.1\r\n\r\nGET /relay HTTP/1.1\r\nConnection: upgrade\r\n\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_relay_upgrade(head.as_bytes()), expected, "{head}");
        }
    }
}
