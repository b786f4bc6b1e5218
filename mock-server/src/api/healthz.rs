//! `GET /healthz`: the health of the server and its database.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{self, Failed, Success};
use super::{Error, State};
use crate::control::ControlError;
use crate::store::{StoreError, organisations};

#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always "ok".
    status: &'static str,
}

/// Checks that the server and its database file respond; whether PostgreSQL does, `/readyz` checks.
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, body = Success<Health>), (status = 503, description = "UNAVAILABLE", body = Failed))
)]
pub async fn healthz(extract::State(state): extract::State<State>) -> Result<Response, Error> {
    if let Some(condition) = state.store.problem() {
        return Err(StoreError::Unavailable(condition).into());
    }
    // A database on the network has its own health, which `/readyz` reports: to end this process would not mend it.
    if state.store.is_shared() {
        return Ok(envelope::ok(Health { status: "ok" }));
    }
    state.store.read(|tx| organisations::count(tx).map_err(ControlError::from)).await?;
    Ok(envelope::ok(Health { status: "ok" }))
}
