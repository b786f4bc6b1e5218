//! `POST /api/auth/logout`: ends the session of an access token.

use axum::extract;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::bearer as bearer_token;
use super::envelope::{self, Success};
use super::refusals::refusals;
use super::{Error, State};
use crate::control::bearer;
use crate::domain::Refusal;

refusals!(LogoutRefusals: Unauthorized);

#[derive(Debug, Serialize, ToSchema)]
pub struct Ended {
    /// Always true.
    ended: bool,
}

/// Ends the session of the access token, which is refused from now on. API keys have no session: they are revoked.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    responses((status = 200, body = Success<Ended>), LogoutRefusals),
    security(("session" = []))
)]
pub async fn logout(extract::State(state): extract::State<State>, parts: Parts) -> Result<Response, Error> {
    let token = bearer_token(&parts).ok_or(Refusal::Unauthorized("Authentication required"))?;
    bearer::end_session(&state.store, &state.settings.session, token, state.clock.now()).await?;
    Ok(envelope::ok(Ended { ended: true }))
}
