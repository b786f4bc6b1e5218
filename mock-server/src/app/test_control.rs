//! Clock control for tests on a separate listener: `POST CONTROL_URL/clock {"advance_seconds": N}`.
//!
//! The control URL contains a token, so that neither other users of the machine nor pages in its browsers can move the
//! clock. Unless the environment gave the token, the ready file alone has it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{self, Path};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::connections::{self, Limits};
use crate::api::body::Body;
use crate::api::cross_site::is_from_own_site;
use crate::api::reached_url::Arrival;
use crate::api::{Error, Settings, State, envelope};
use crate::control::upkeep;
use crate::domain::key::material::sha256;
use crate::domain::{Refusal, Timestamp, host};
use crate::store::StoreError;

/// A hundred years, beyond the lifetime of any key.
const MAX_ADVANCE_SECONDS: u64 = 100 * 365 * 24 * 60 * 60;

/// A listener that advances a server's clock.
pub(super) struct TestControl {
    /// With the token, and without a trailing slash.
    pub(super) url: String,
    serving: JoinHandle<()>,
}

/// The state of the listener's handlers.
#[derive(Clone)]
struct Controlled {
    server: State,
    /// SHA-256 of the token in hex.
    token_hash: String,
    /// Whether it listens on loopback only.
    only_loopback: bool,
}

#[derive(Deserialize)]
struct ClockRequest {
    advance_seconds: Option<Value>,
}

#[derive(Debug, Serialize)]
struct ClockResponse {
    now: Timestamp,
}

impl TestControl {
    /// Listens at the address, with a random token if there is none.
    pub(super) fn start(state: State, listen: SocketAddr, token: Option<String>) -> std::io::Result<Self> {
        let listener = connections::listen(listen)?;
        let token = token.unwrap_or_else(|| hex::encode(state.random.bytes::<16>()));
        let url = format!("http://{}/{token}", listener.local_addr()?);
        let stopping = state.stopping.subscribe();
        let only_loopback = listen.ip().is_loopback();
        let controlled = Controlled { server: state, token_hash: sha256(&token), only_loopback };
        let router = Router::new().route("/{token}/clock", post(clock)).with_state(controlled);
        let serving = tokio::spawn(connections::serve(listener, router, Limits::of_process(), stopping));
        Ok(Self { url, serving })
    }
}

impl Drop for TestControl {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Advances the clock and does everything that becomes due.
pub(super) async fn advance(state: &State, by: Duration) -> Result<(), StoreError> {
    state.clock.advance(by);
    upkeep::due(&state.store, state.clock.now(), &state.random).await.map(drop)
}

async fn clock(
    extract::State(Controlled { server: state, token_hash, only_loopback }): extract::State<Controlled>,
    Path(token): Path<String>,
    parts: Parts,
    Body(request): Body<ClockRequest>,
) -> Result<Response, Error> {
    // Comparing hashes takes a time that reveals nothing about the token.
    if sha256(&token) != token_hash {
        return Err(Refusal::Unauthorized("The control URL of the ready file is required").into());
    }
    check_source(&parts, &state.settings, only_loopback)?;
    let seconds = request.advance_seconds.ok_or(Refusal::MissingField("advance_seconds"))?;
    let seconds = seconds.as_u64().filter(|seconds| *seconds <= MAX_ADVANCE_SECONDS).ok_or(
        Refusal::invalid("advance_seconds must be an integer between 0 and 3153600000 (a hundred years)"),
    )?;
    advance(&state, Duration::from_secs(seconds)).await?;
    Ok(envelope::ok(ClockResponse { now: state.clock.now() }))
}

/// Refuses what a page could make a browser send, even one whose host name resolves to this machine.
fn check_source(parts: &Parts, settings: &Settings, only_loopback: bool) -> Result<(), Refusal> {
    let arrival = Arrival { uri: &parts.uri, headers: &parts.headers, extensions: &parts.extensions };
    let named = arrival.named_host()?;
    if only_loopback && !named.is_some_and(host::is_loopback) {
        return Err(Refusal::Forbidden("Host must be a loopback address"));
    }
    if !named.is_some_and(|host| host::is_loopback(host) || host::address(host).is_some()) {
        return Err(Refusal::Forbidden("Host must be an IP address"));
    }
    if !is_from_own_site(arrival, settings) {
        return Err(Refusal::Forbidden("A page of another site sent this request"));
    }
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Refusal::invalid("Content-Type must be application/json")),
    }
}
