//! `POST /api/machine-logout`: logs a machine out.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::{self, Success};
use super::machine::MachineToken;
use super::refusals::refusals;
use super::{Error, State};
use crate::control::logout;

refusals!(MachineLogoutRefusals: Unauthorized);

#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedOut {
    /// Whether the machine was deleted (because it was ephemeral) or only its token was invalidated.
    removed: bool,
}

/// Invalidates the machine's token and deletes an ephemeral machine.
#[utoipa::path(
    post,
    path = "/api/machine-logout",
    responses(
        (status = 200, description = "The token is invalid from now on", body = Success<LoggedOut>),
        MachineLogoutRefusals,
    ),
    security(("machine_token" = []))
)]
pub async fn machine_logout(
    extract::State(state): extract::State<State>,
    token: MachineToken,
) -> Result<Response, Error> {
    let now = state.clock.now();
    let random = state.random.repeatable();
    let removed = state.store.write(move |tx| logout::logout(tx, &token.0, &random.draws(), now)).await?;
    Ok(envelope::ok(LoggedOut { removed }))
}
