//! The relay beside the control plane, and the one that stands alone.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use ztna_protocol::region::Region;
use ztna_protocol::relay::Member;
use ztna_relay::{Authority, AuthorityError, ControlPlane, Relay};

use super::StartError;
use crate::control::{Failure, relay};
use crate::store::Store;

/// What a relay that stands alone is started with.
pub struct RelayConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its region, as the control plane's fixture names it.
    pub region: Region,
    /// Where its control plane answers.
    pub control: String,
    /// The secret that both share.
    pub secret: String,
}

/// A running relay; it ends when this is dropped.
pub struct RelayServer {
    address: SocketAddr,
    relay: Relay,
    serving: JoinHandle<()>,
    watching: JoinHandle<()>,
}

impl RelayServer {
    /// Listens. The control plane need not be there yet.
    ///
    /// # Errors
    /// [`StartError::Listen`]
    pub async fn start(config: RelayConfig) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let control = ControlPlane::new(&config.control, config.secret)
            .map_err(|error| StartError::Runtime { source: std::io::Error::other(error) })?;
        let relay = Relay::new(config.region, Arc::new(control));
        let watching = tokio::spawn(relay.clone().watch());
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let router = ztna_relay::router(relay.clone());
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "serving ended");
            }
        });
        Ok(Self { address, relay, serving, watching })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RelayServer {
    fn drop(&mut self) {
        // Connections that were upgraded are tasks of their own.
        self.relay.end();
        self.serving.abort();
        self.watching.abort();
    }
}

/// The relay of this region, with the control plane's own database as its authority.
pub(super) fn beside(store: Store, region: Region) -> Relay {
    Relay::new(region, Arc::new(Own(store)))
}

struct Own(Store);

impl Authority for Own {
    fn members(
        &self,
        token_hashes: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<Option<Member>>, AuthorityError>> {
        let asked = self.0.read(move |tx| relay::members(tx, &token_hashes).map_err(Failure::from));
        asked.map(|answer| answer.map_err(|failure| AuthorityError(format!("{failure:?}")))).boxed()
    }
}
