//! Starting and stopping a server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::connections::{self, Limits};
use super::router::router;
use super::test_control::{self, TestControl};
use super::{Config, Ready, StartError, TokenError, ready, state};
use crate::api::State;
use crate::control::upkeep;
use crate::store::{StoreError, users};

/// How long pending requests may take to complete when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);

/// A running server. Dropping it aborts pending requests; [`Server::stop`] lets them complete.
pub struct Server {
    address: SocketAddr,
    ready: Ready,
    state: State,
    database: String,
    serving: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    relay: Option<JoinHandle<()>>,
    _control: Option<TestControl>,
}

/// Opens the database, initialises it if it is empty, and starts serving.
pub async fn start(config: Config) -> Result<Server, StartError> {
    let failed = |source| StartError::Listen { address: config.listen, source };
    let listener = connections::listen(config.listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let state = state::state(&config, format!("http://{}", reachable(address))).await?;
    let control = match config.test_control {
        Some(control) => {
            let failed = |source| StartError::Listen { address: control.listen, source };
            Some(TestControl::start(state.clone(), control.listen, control.token).map_err(failed)?)
        }
        None => None,
    };
    let control_url = control.as_ref().map(|control| control.url.clone());
    let ready = Ready { control_url, ..ready::describe(&config.fixture, &state).await? };

    let limits = Limits::of_process().with_proxies(&config.trusted_proxies);
    let stopping = state.stopping.subscribe();
    let serving = tokio::spawn(connections::serve(listener, router(state.clone()), limits, stopping));
    let upkeep = tokio::spawn(upkeep::run(state.store.clone(), state.clock.clone(), state.random.clone()));
    let relay = state.relay.clone().map(|relay| tokio::spawn(relay.watch()));
    let database = config.database.to_string();
    Ok(Server { address, ready, state, database, serving, upkeep, relay, _control: control })
}

impl Server {
    /// Without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.state.settings.base_url
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Names its database, without credentials.
    pub fn database(&self) -> &str {
        &self.database
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Issues an access token for a user, valid from the current time of the server's clock on.
    pub async fn token(&self, email: &str) -> Result<String, TokenError> {
        let email = email.to_lowercase();
        let wanted = email.clone();
        match self.state.store.read(move |tx| users::id_by_email(tx, &wanted)).await? {
            Some(user_id) => {
                let now = self.state.clock.now();
                let session_id = self.state.random.id(now);
                Ok(self.state.settings.session.issue(&session_id, &user_id, &email, now))
            }
            None => Err(TokenError::UnknownUser { email }),
        }
    }

    /// Advances the clock and does everything that becomes due.
    pub async fn advance(&self, by: Duration) -> Result<(), StoreError> {
        test_control::advance(&self.state, by).await
    }

    /// Stops accepting requests and gives pending ones half a second to complete.
    pub async fn stop(mut self) {
        self.state.stopping.send_replace(true);
        if tokio::time::timeout(STOP_TIMEOUT, &mut self.serving).await.is_err() {
            tracing::warn!("aborted pending requests");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Long polls would keep their connections, and thereby the store, open for a while.
        self.state.stopping.send_replace(true);
        self.serving.abort();
        self.upkeep.abort();
        if let Some(relay) = &self.relay {
            relay.abort();
        }
        if let Some(relay) = &self.state.relay {
            relay.end();
        }
    }
}

/// Replaces an unspecified address by loopback, so that local clients can connect.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
