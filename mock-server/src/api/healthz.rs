//! `GET /healthz`: whether this process answers and its database does.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{self, Success};
use super::{Error, State};
use crate::control::Failure;
use crate::store::organisations;

/// That all is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always "ok".
    status: &'static str,
}

/// Answers once the database does.
#[utoipa::path(
    get,
    path = "/healthz",
    responses((status = 200, body = Success<Health>))
)]
pub async fn healthz(extract::State(state): extract::State<State>) -> Result<Response, Error> {
    state.store.read(|tx| organisations::count(tx).map_err(Failure::from)).await?;
    Ok(envelope::ok(Health { status: "ok" }))
}
