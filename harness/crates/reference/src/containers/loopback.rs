//! The control plane at an address of loopback, for the browser: pages of any other HTTP address are no secure context,
//! in which browsers offer no cryptography.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Forwards connections until it is dropped.
#[derive(Debug)]
pub(super) struct Loopback {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Loopback {
    pub(super) async fn forward(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((mut inner, _)) = listener.accept().await {
                // A page is dozens of small files, each of which would otherwise wait for an acknowledgement.
                let _ = inner.set_nodelay(true);
                tokio::spawn(async move {
                    if let Ok(mut outer) = TcpStream::connect(to).await {
                        let _ = outer.set_nodelay(true);
                        let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
                    }
                });
            }
        });
        Ok(Self { address, task })
    }

    pub(super) fn url(&self) -> Option<Url> {
        Url::parse(&format!("http://{}", self.address)).ok()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}
