//! `POST /api/machine-logout`: a machine leaves.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{self, Failed, Success};
use super::machine::MachineToken;
use super::{Error, State};
use crate::control::logout;

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedOut {
    /// Whether the machine is gone (it was ephemeral) or only its token.
    removed: bool,
}

/// Voids the token; removes an ephemeral machine.
#[utoipa::path(
    post,
    path = "/api/machine-logout",
    responses(
        (status = 200, description = "The token is void", body = Success<LoggedOut>),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
    ),
    security(("machine_token" = []))
)]
pub async fn machine_logout(
    extract::State(state): extract::State<State>,
    token: MachineToken,
) -> Result<Response, Error> {
    let now = state.clock.now();
    let random = state.random;
    let removed = state.store.write(move |tx| logout::logout(tx, &token.hash, &random, now)).await?;
    Ok(envelope::ok(LoggedOut { removed }))
}
