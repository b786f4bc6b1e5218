//! The state of a server.

use std::sync::OnceLock;

use tokio::sync::watch;

use super::session_secret::SHARED_SETTING;
use super::{Config, StartError, relay, session_secret};
use crate::api::{Downloads, Settings, Shared, State};
use crate::control::guesses::GuessLimit;
use crate::control::lists::Lists;
use crate::control::network_map::{self, MapCache, MapWatches};
use crate::control::polls::LongPolls;
use crate::control::readiness::Readiness;
use crate::control::session::SessionKey;
use crate::domain::key::material;
use crate::domain::site::Site;
use crate::store::{Location, Store, StoreError, settings};

/// Where earlier versions kept the session secret, and where replicas without a file of their own share it.
const FORMER_SETTING: &str = SHARED_SETTING;

/// Prepares the state of a server without listening, for calling `app::router` directly. `base_url` is the URL by which
/// clients would reach it.
pub async fn state(config: &Config, base_url: String) -> Result<State, StartError> {
    let store = open_store(config.database.clone()).await?;
    let now = config.clock.now();
    let fixture = config.fixture.clone();
    let random = config.random.repeatable();
    store.write(move |tx| fixture.apply(tx, &random.draws(), now)).await?;
    let secret = session_secret(config, &store).await?;
    let seed = config.fixture.seed();
    let session = &seed.session;
    let relays: Vec<Site> = seed.regions.iter().chain(&config.relays).cloned().collect();
    let own = relays.iter().find(|site| site.url.is_none());
    Ok(State::from(Shared {
        relay: own.map(|site| relay::local(store.clone(), site.region)),
        store,
        clock: config.clock.clone(),
        random: config.random.clone(),
        polls: LongPolls::default(),
        maps: MapCache::default(),
        map_watches: MapWatches::default(),
        readiness: Readiness::default(),
        guesses: GuessLimit::default(),
        lists: Lists::default(),
        downloads: Downloads::default(),
        openapi: OnceLock::new(),
        stopping: watch::Sender::new(false),
        settings: Settings {
            session: SessionKey::new(secret, session.lifetime),
            base_url,
            public_url: config.public_url.clone(),
            relays,
            relay_secret_hash: config.relay_secret.as_deref().map(material::sha256),
            trusted_proxies: config.trusted_proxies.clone(),
            agent_program: config.agent_program.clone(),
            device_code_lifetime: session.device_code_lifetime,
            device_poll_interval: config.device_poll_interval.unwrap_or(session.device_poll_interval),
            map_poll_interval: network_map::POLL_INTERVAL,
        },
    }))
}

async fn open_store(database: Location) -> Result<Store, StartError> {
    let opened = tokio::task::spawn_blocking(move || Store::open(&database)).await;
    Ok(opened.map_err(|_| StoreError::Stopped)??)
}

/// Returns the key that signs access tokens. Earlier versions kept it in the database: it is moved to its file, so that
/// sessions survive the update.
async fn session_secret(config: &Config, store: &Store) -> Result<[u8; 32], StartError> {
    let named = config.session_secret.clone();
    let Some(path) = named.or_else(|| session_secret::default_file(&config.database)) else {
        return match config.database {
            Location::Postgres(_) => shared_secret(config, store).await,
            _ => Ok(config.random.bytes()),
        };
    };
    let stored: Option<String> =
        store.read(|tx| settings::get(tx, FORMER_SETTING)).await.map_err(StartError::Store)?;
    let initial = match &stored {
        Some(text) => parse_secret(text)?,
        None => config.random.bytes(),
    };
    let secret = session_secret::load_or_create(&path, initial)?;
    if stored.is_some() {
        store.write(|tx| settings::remove(tx, FORMER_SETTING)).await.map_err(StartError::Store)?;
    }
    Ok(secret)
}

/// Returns the key that replicas without a file for it have in common; the first one makes it.
async fn shared_secret(config: &Config, store: &Store) -> Result<[u8; 32], StartError> {
    let new = hex::encode(config.random.bytes::<32>());
    let shared = store.write(move |tx| {
        if let Some(shared) = settings::get(tx, SHARED_SETTING)? {
            return Ok(shared);
        }
        settings::insert(tx, SHARED_SETTING, &new)?;
        Ok::<_, StoreError>(new.clone())
    });
    Ok(parse_secret(&shared.await?)?)
}

fn parse_secret(text: &str) -> Result<[u8; 32], StoreError> {
    let mut secret = [0; 32];
    hex::decode_to_slice(text, &mut secret).map_err(|error| StoreError::Corrupt {
        column: format!("settings.{SHARED_SETTING}"),
        reason: error.to_string(),
    })?;
    Ok(secret)
}
