//! Time travel for tests: `POST clock {"advance_seconds": N}`, on a listener of its own.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::extract;
use axum::response::Response;
use axum::routing::post;
use axum::{Router, serve};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::api::body::Body;
use crate::api::{Error, State, envelope};
use crate::control::upkeep;
use crate::domain::{Refusal, Timestamp};
use crate::store::StoreError;

/// A hundred years: further than any key lives.
const FURTHEST: u64 = 100 * 365 * 24 * 60 * 60;

/// A listener on loopback that moves a server's clock.
pub(super) struct TestControl {
    /// Where it answers, without a slash at the end.
    pub(super) url: String,
    serving: JoinHandle<()>,
}

#[derive(Debug, Serialize)]
struct Moved {
    now: Timestamp,
}

impl TestControl {
    /// Listens on a port that the system chooses.
    pub(super) async fn start(state: State) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/clock", post(clock)).with_state(state);
        let serving = tokio::spawn(async move {
            let _ = serve(listener, router).await;
        });
        Ok(Self { url, serving })
    }
}

impl Drop for TestControl {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Moves the clock of a server with that state, and does what became due by it.
pub(super) async fn advance(state: &State, by: Duration) -> Result<(), StoreError> {
    state.clock.advance(by);
    upkeep::due(&state.store, state.clock.now(), &state.random).await.map(drop)
}

async fn clock(extract::State(state): extract::State<State>, body: Body) -> Result<Response, Error> {
    body.require("advance_seconds")?;
    let seconds = body.raw("advance_seconds").and_then(serde_json::Value::as_u64);
    let seconds = seconds.filter(|seconds| *seconds <= FURTHEST).ok_or(Refusal::invalid(
        "advance_seconds must be an integer between 0 and 3153600000 (a hundred years)",
    ))?;
    advance(&state, Duration::from_secs(seconds)).await?;
    Ok(envelope::ok(Moved { now: state.clock.now() }))
}
