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
    let mut begin = [0; RELAY.len()];
    let is_relay = stream.peek(&mut begin).await.is_ok() && begin == RELAY;
    if !is_relay {
        let _ = others.send((stream, peer)).await;
        return;
    }
    // A connection that breaks breaks on both sides.
    if let Ok(mut further) = TcpStream::connect(origin).await {
        let _ = further.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut further).await;
    }
}
