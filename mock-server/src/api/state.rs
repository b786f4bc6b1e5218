//! The state shared by all handlers.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use ipnet::IpNet;
use tokio::sync::watch;
use ztna_relay::Relay;

use super::{AgentProgram, Downloads};
use crate::control::guesses::GuessLimit;
use crate::control::lists::Lists;
use crate::control::network_map::{MapCache, MapWatches};
use crate::control::polls::LongPolls;
use crate::control::readiness::Readiness;
use crate::control::session::SessionKey;
use crate::control::{Clock, Random};
use crate::domain::site::Site;
use crate::store::Store;

/// A handle on the state: each layer of the router clones it for each request.
#[derive(Clone)]
pub struct State(Arc<Shared>);

/// What all handlers share.
pub struct Shared {
    pub store: Store,
    /// Handlers read the time once per request.
    pub clock: Clock,
    /// The source of keys, tokens and ids.
    pub random: Random,
    pub polls: LongPolls,
    pub maps: MapCache,
    pub map_watches: MapWatches,
    pub readiness: Readiness,
    pub guesses: GuessLimit,
    pub lists: Lists,
    pub downloads: Downloads,
    /// The OpenAPI document as it is sent.
    pub openapi: OnceLock<Bytes>,
    /// Turns true when the server stops, which ends long polls.
    pub stopping: watch::Sender<bool>,
    /// The relay in this process, if any.
    pub relay: Option<Relay>,
    pub settings: Settings,
}

/// The settings of a server, fixed at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    pub session: SessionKey,
    /// The URL by which clients on this machine reach this server, without a trailing slash.
    pub base_url: String,
    /// The URL by which all clients are told to reach this server; by default the one by which each reached it.
    pub public_url: Option<String>,
    /// Proxies whose X-Forwarded-For is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The agent that the installer installs.
    pub agent_program: Option<AgentProgram>,
    /// The relays listed in network maps.
    pub relays: Vec<Site>,
    /// SHA-256 of the secret of remote relays; without one, they are refused.
    pub relay_secret_hash: Option<String>,
    /// The lifetime of device codes (RFC 8628 `expires_in`).
    pub device_code_lifetime: Duration,
    /// The polling interval of devices (RFC 8628 `interval`).
    pub device_poll_interval: Duration,
    /// How often the database is read again, without being notified, for requests that wait for the network map.
    pub map_poll_interval: Duration,
}

impl State {
    /// Gives access to the settings before the server starts; `None` once there are other handles.
    pub fn settings_mut(&mut self) -> Option<&mut Settings> {
        Arc::get_mut(&mut self.0).map(|shared| &mut shared.settings)
    }
}

impl From<Shared> for State {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
