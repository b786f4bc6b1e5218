//! A service of the kit's own, to which agents pass on the connections that they serve to peers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// What it says to whoever connects, as SSH servers do.
const GREETING: &[u8] = b"SSH-2.0-harness\r\n";
/// How long a client may take to close its side.
const LINGER: Duration = Duration::from_secs(5);
/// How long it pauses when no connection can be accepted, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(50);

/// A service that greets each client and ends the connection, until it is dropped.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Service {
    /// # Errors
    /// The listener has no address.
    pub fn start(listener: TcpListener) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { address, server: tokio::spawn(serve(listener)) })
    }

    /// Where agents reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener) {
    let mut clients = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                clients.spawn(timeout(LINGER, greet(client)));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
        while clients.try_join_next().is_some() {}
    }
}

/// Closes its side after the greeting, and reads on, since bytes that are not read would reset the connection.
async fn greet(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(GREETING).await?;
    client.shutdown().await?;
    let mut ignored = [0; 1024];
    while client.read(&mut ignored).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_client_is_greeted_and_the_end_of_the_service_is_the_end_of_all() {
        let service = Service::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        for _ in 0..2 {
            let mut client = TcpStream::connect(service.address()).await.unwrap();
            client.write_all(b"SSH-2.0-client\r\n").await.unwrap();
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, GREETING);
        }
        let address = service.address();
        drop(service);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(address).await.is_ok() {
            assert!(tokio::time::Instant::now() < deadline, "it still listens");
            tokio::task::yield_now().await;
        }
    }
}
