//! The relay in the control plane's process, and the standalone relay.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::region::Region;
use ztna_protocol::relay::Member;
use ztna_relay::{Authority, AuthorityError, ControlPlane, Relay};

use super::StartError;
use super::connections::{self, Limits};
use crate::control::relay;
use crate::store::Store;

/// The configuration of a standalone relay.
pub struct RelayConfig {
    pub listen: SocketAddr,
    /// Must be listed by the control plane.
    pub region: Region,
    /// The control plane's base URL.
    pub control: String,
    /// The secret shared with the control plane.
    pub secret: String,
}

/// A running relay, stopped on drop.
pub struct RelayServer {
    address: SocketAddr,
    relay: Relay,
    serving: JoinHandle<()>,
    watching: JoinHandle<()>,
    /// Connections are served as long as it exists.
    _stop: watch::Sender<bool>,
}

impl RelayServer {
    /// Starts a relay. The control plane need not be running yet.
    pub async fn start(config: RelayConfig) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = connections::listen(config.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let control = ControlPlane::new(&config.control, config.secret)
            .map_err(|error| StartError::Runtime { source: std::io::Error::other(error) })?;
        let relay = Relay::new(config.region, Arc::new(control));
        let watching = tokio::spawn(relay.clone().watch());
        let router = ztna_relay::router(relay.clone());
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(connections::serve(listener, router, Limits::of_process(), stopping));
        Ok(Self { address, relay, serving, watching, _stop: stop })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RelayServer {
    fn drop(&mut self) {
        // Upgraded connections run in tasks of their own.
        self.relay.end();
        self.serving.abort();
        self.watching.abort();
    }
}

/// Creates the relay of this process, which authenticates machines from the control plane's own database.
pub(super) fn local(store: Store, region: Region) -> Relay {
    Relay::new(region, Arc::new(StoreAuthority(store)))
}

struct StoreAuthority(Store);

impl Authority for StoreAuthority {
    fn members(
        &self,
        tokens: Vec<TokenReference>,
    ) -> BoxFuture<'_, Result<Vec<Option<Member>>, AuthorityError>> {
        let members = self.0.read(move |tx| relay::members(tx, &tokens));
        members.map(|members| members.map_err(|error| AuthorityError::Lookup(error.to_string()))).boxed()
    }
}
