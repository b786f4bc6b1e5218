//! `GET /readyz`: whether the server can do its work.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{self, Failed, Success};
use super::{State, error};

#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Always "ready".
    status: &'static str,
}

/// Checks that the database can be written. The result counts for a second.
#[utoipa::path(
    get,
    path = "/readyz",
    responses((status = 200, body = Success<Readiness>), (status = 503, description = "UNAVAILABLE", body = Failed))
)]
pub async fn readyz(extract::State(state): extract::State<State>) -> Response {
    match state.readiness.problem(&state.store, state.clock.now()).await {
        None => envelope::ok(Readiness { status: "ready" }),
        Some(problem) => error::unavailable(problem),
    }
}
