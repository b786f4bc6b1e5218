//! Starting and stopping.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::fixture::User;
use super::test_control::{self, TestControl};
use super::{Config, Fixture, Person, Ready, StartError, TokenError, relay};
use crate::api::{self, Settings, State};
use crate::control::polls::Polls;
use crate::control::session::SessionKey;
use crate::control::{Random, upkeep};
use crate::domain::Role;
use crate::domain::key::material;
use crate::domain::site::Site;
use crate::store::{Location, Store, StoreError, Tx, settings, users};

const SESSION_SECRET: &str = "session_secret";
/// How long requests that are under way may take to end when the server stops.
const GRACE: Duration = Duration::from_millis(500);

/// A running server; dropping it ends it at once, [`Server::stop`] ends it well.
pub struct Server {
    address: SocketAddr,
    ready: Ready,
    state: State,
    serving: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    relay: Option<JoinHandle<()>>,
    _control: Option<TestControl>,
}

/// Opens the database, fills it if it is empty, and serves.
pub async fn start(config: Config) -> Result<Server, StartError> {
    let listen = |source| StartError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let fixture = config.fixture.clone();
    let state = state(&config, format!("http://{}", reachable(address))).await?;
    let control = match config.test_control {
        true => {
            Some(TestControl::start(state.clone()).await.map_err(|source| StartError::Runtime { source })?)
        }
        false => None,
    };
    let control_url = control.as_ref().map(|control| control.url.clone());
    let ready = Ready { control_url, ..introduce(fixture, &state).await? };

    let mut stopped = state.stopping.subscribe();
    let router = api::router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|connection| {
        // Answers are written in one piece; waiting for more only delays them.
        let _ = connection.set_nodelay(true);
    });
    let serving = tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        if let Err(error) = served.await {
            tracing::error!(%error, "serving ended");
        }
    });
    let upkeep =
        tokio::spawn(upkeep::forever(state.store.clone(), state.clock.clone(), state.random.clone()));
    let relay = state.relay.clone().map(|relay| tokio::spawn(relay.watch()));
    Ok(Server { address, ready, state, serving, upkeep, relay, _control: control })
}

impl Server {
    /// Where it answers, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.state.settings.base_url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is and who may use it.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// A fresh access token of a user, valid from the present (moved) time on.
    pub async fn token(&self, email: &str) -> Result<String, TokenError> {
        let email = email.to_lowercase();
        let wanted = email.clone();
        match self.state.store.read(move |tx| users::id_by_email(tx, &wanted)).await? {
            Some(user_id) => Ok(self.state.settings.session.issue(&user_id, &email, self.state.clock.now())),
            None => Err(TokenError::UnknownUser { email }),
        }
    }

    /// Moves the clock, and returns once all that became due by it is done.
    pub async fn advance(&self, by: Duration) -> Result<(), StoreError> {
        test_control::advance(&self.state, by).await
    }

    /// Ends it well: no new requests, those under way get half a second.
    pub async fn stop(mut self) {
        self.state.stopping.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.serving).await.is_err() {
            tracing::warn!("some requests were cut off");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Requests that wait would keep their connections, and with them the store, for a while.
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

/// What a server with that configuration serves from, without listening: `api::router` can be called
/// on it directly. `base_url` is where clients would reach it.
pub async fn state(config: &Config, base_url: String) -> Result<State, StartError> {
    let store = open(config.database.clone()).await?;
    let now = config.clock.now();
    let fixture = config.fixture.clone();
    let random = config.random.clone();
    let prepared = store.write(move |tx| {
        fixture.apply(tx, &random, now)?;
        session_secret(tx, &random)
    });
    let secret = prepared.await?;
    let seed = config.fixture.seed();
    let session = &seed.session;
    let relays: Vec<Site> = seed.regions.iter().chain(&config.relays).cloned().collect();
    let own = relays.iter().find(|site| site.url.is_none());
    Ok(State {
        relay: own.map(|site| relay::beside(store.clone(), site.region)),
        store,
        clock: config.clock.clone(),
        random: config.random.clone(),
        polls: Polls::default(),
        stopping: watch::Sender::new(false),
        settings: Arc::new(Settings {
            session: SessionKey::new(secret, session.lifetime),
            base_url,
            relays,
            relay_secret_hash: config.relay_secret.as_deref().map(material::sha256),
            trusted_proxies: config.trusted_proxies.clone(),
            agent_program: config.agent_program.clone(),
            device_code_lifetime: session.device_code_lifetime,
            device_poll_interval: config.device_poll_interval.unwrap_or(session.device_poll_interval),
        }),
    })
}

async fn open(database: Location) -> Result<Store, StartError> {
    let opened = tokio::task::spawn_blocking(move || Store::open(&database)).await;
    Ok(opened.map_err(|_| StoreError::Stopped)??)
}

/// The secret that sessions are signed with: kept in the database, so that they outlive a restart.
fn session_secret(tx: &mut Tx<'_>, random: &Random) -> Result<[u8; 32], StoreError> {
    if let Some(kept) = settings::get(tx, SESSION_SECRET)? {
        let mut secret = [0; 32];
        hex::decode_to_slice(kept, &mut secret).map_err(|error| StoreError::Corrupt {
            column: format!("settings.{SESSION_SECRET}"),
            reason: error.to_string(),
        })?;
        return Ok(secret);
    }
    let secret = random.bytes();
    settings::insert(tx, SESSION_SECRET, &hex::encode(secret))?;
    Ok(secret)
}

async fn introduce(fixture: Fixture, state: &State) -> Result<Ready, StoreError> {
    let session = state.settings.session.clone();
    let base_url = state.settings.base_url.clone();
    let now = state.clock.now();
    let introduced = state.store.read(move |tx| {
        let seed = fixture.seed();
        let org_id =
            seed.organisations.first().map(|organisation| organisation.id.clone()).unwrap_or_default();
        let outside = seed.users.iter().find_map(|user| {
            let (other, _) = user.roles.iter().find(|(_, role)| role.administers())?;
            user.roles.iter().all(|(org, _)| *org != org_id).then_some((user, other.clone()))
        });
        let mut person = |user: Option<&User>| {
            let Some(user) = user else { return Ok(None) };
            // A database that existed before need not have the fixture's users.
            let user_id = users::id_by_email(tx, &user.email)?;
            Ok::<_, StoreError>(user_id.map(|user_id| Person {
                email: user.email.clone(),
                password: user.password.clone(),
                token: session.issue(&user_id, &user.email, now),
            }))
        };
        let with = |role: Role| seed.users.iter().find(|user| user.roles.contains(&(org_id.clone(), role)));
        Ok::<_, StoreError>(Ready {
            base_url,
            admin: person(with(Role::Admin))?,
            owner: person(with(Role::Owner))?,
            member: person(with(Role::Member))?,
            outsider: person(outside.as_ref().map(|(user, _)| *user))?,
            other_org_id: outside.map(|(_, org_id)| org_id),
            control_url: None,
            org_id,
        })
    });
    introduced.await
}

/// An address that a client on this machine can connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
