//! Clock control for tests on a separate listener: `POST clock {"advance_seconds": N}`.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract;
use axum::response::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::connections::{self, Limits};
use crate::api::body::Body;
use crate::api::{Error, State, envelope};
use crate::control::upkeep;
use crate::domain::{Refusal, Timestamp};
use crate::store::StoreError;

/// A hundred years, beyond the lifetime of any key.
const MAX_ADVANCE_SECONDS: u64 = 100 * 365 * 24 * 60 * 60;

/// A listener on loopback that advances a server's clock.
pub(super) struct TestControl {
    /// Without a trailing slash.
    pub(super) url: String,
    serving: JoinHandle<()>,
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
    /// Listens on a port chosen by the system.
    pub(super) async fn start(state: State) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let stopping = state.stopping.subscribe();
        let router = Router::new().route("/clock", post(clock)).with_state(state);
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
    extract::State(state): extract::State<State>,
    Body(request): Body<ClockRequest>,
) -> Result<Response, Error> {
    let seconds = request.advance_seconds.ok_or(Refusal::MissingField("advance_seconds"))?;
    let seconds = seconds.as_u64().filter(|seconds| *seconds <= MAX_ADVANCE_SECONDS).ok_or(
        Refusal::invalid("advance_seconds must be an integer between 0 and 3153600000 (a hundred years)"),
    )?;
    advance(&state, Duration::from_secs(seconds)).await?;
    Ok(envelope::ok(ClockResponse { now: state.clock.now() }))
}
