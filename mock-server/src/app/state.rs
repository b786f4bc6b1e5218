//! The state of a server.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Config, StartError, relay};
use crate::api::{Settings, State};
use crate::control::Random;
use crate::control::polls::LongPolls;
use crate::control::session::SessionKey;
use crate::domain::key::material;
use crate::domain::site::Site;
use crate::store::{Location, Store, StoreError, Tx, settings};

const SESSION_SECRET: &str = "session_secret";

/// Prepares the state of a server without listening, for calling `api::router` directly. `base_url` is the URL by which
/// clients would reach it.
pub async fn state(config: &Config, base_url: String) -> Result<State, StartError> {
    let store = open_store(config.database.clone()).await?;
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
        relay: own.map(|site| relay::local(store.clone(), site.region)),
        store,
        clock: config.clock.clone(),
        random: config.random.clone(),
        polls: LongPolls::default(),
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

async fn open_store(database: Location) -> Result<Store, StartError> {
    let opened = tokio::task::spawn_blocking(move || Store::open(&database)).await;
    Ok(opened.map_err(|_| StoreError::Stopped)??)
}

/// Returns the key that signs sessions. It is stored in the database, so that sessions survive a restart.
fn session_secret(tx: &mut Tx<'_>, random: &Random) -> Result<[u8; 32], StoreError> {
    if let Some(stored) = settings::get(tx, SESSION_SECRET)? {
        let mut secret = [0; 32];
        hex::decode_to_slice(stored, &mut secret).map_err(|error| StoreError::Corrupt {
            column: format!("settings.{SESSION_SECRET}"),
            reason: error.to_string(),
        })?;
        return Ok(secret);
    }
    let secret = random.bytes();
    settings::insert(tx, SESSION_SECRET, &hex::encode(secret))?;
    Ok(secret)
}
