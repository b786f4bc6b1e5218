//! `POST /api/auth/device/approve`: a logged-in user approves or denies a device's login.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::envelope::{self, Success};
use crate::api::refusals::refusals;
use crate::api::request::{Flag, NonBlank, NonNull, Required, request};
use crate::api::{Error, State};
use crate::control::device;
use crate::control::guesses::{Guess, Secret};
use crate::domain::Refusal;
use crate::store::Tx;

request! {
    /// The user's decision.
    pub struct Approval {
        /// The code shown on the device; case, spaces and dashes are ignored.
        user_code: Required<NonBlank> = "WDJB-MJHT",
        /// Whether to approve the login; true by default.
        approve: NonNull<Flag>,
    }
}

refusals!(ApproveRefusals: MissingFields, InvalidInput, InvalidJson, Unauthorized, Forbidden, NotFound,
    PayloadTooLarge, RateLimited);

/// An empty object.
#[derive(Serialize, ToSchema)]
pub struct Decided {}

/// Approves or denies a device's login on behalf of the session's user. API keys are refused.
#[utoipa::path(
    post,
    path = "/api/auth/device/approve",
    security(("session" = [])),
    request_body = Approval,
    responses((status = 200, body = Success<Decided>), ApproveRefusals)
)]
pub async fn approve(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(request): Body<Approval>,
) -> Result<Response, Error> {
    // A session has no scopes, so an API key must not be able to create one.
    let Caller::User { user_id, authenticated_at, .. } = caller else {
        return Err(Refusal::Forbidden("A session is required").into());
    };
    // Otherwise, each session could approve the next one, and a stolen one would never end.
    if state.clock.now().since(authenticated_at) >= state.settings.session.lifetime() {
        return Err(Refusal::Unauthorized("The password was entered too long ago; log in again").into());
    }
    let now = state.clock.now();
    let guess = Guess { secret: Secret::DeviceCode { user_id: user_id.clone() }, address: None, now };
    let user_code = request.user_code()?.0;
    let approve = request.approve()?.is_none_or(|flag| flag.0);
    let attempt = state.guesses.begin(guess, &state.store, &state.random).await?;
    let decide =
        move |tx: &mut Tx<'_>| device::decide(tx, (&user_id, authenticated_at), &user_code, approve, now);
    attempt.settle_in(decide).await?;
    Ok(envelope::ok(Decided {}))
}
