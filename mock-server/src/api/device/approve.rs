//! `POST /api/auth/device/approve`: a person who is logged in lets a device in, or not.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::envelope::{self, Failed, Success};
use crate::api::{Error, State};
use crate::control::device;
use crate::domain::Refusal;

/// What the person decided.
#[derive(ToSchema)]
pub struct Approval {
    /// What the device shows; case, spaces and dashes do not matter.
    #[schema(example = "WDJB-MJHT")]
    pub user_code: String,
    /// Whether the device may in; true if absent.
    #[schema(default = true)]
    pub approve: Option<bool>,
}

/// Nothing more to say.
#[derive(Serialize, ToSchema)]
pub struct Decided {}

/// Approves or denies a device's login in the name of the session's user.
#[utoipa::path(
    post,
    path = "/api/auth/device/approve",
    security(("session" = [])),
    request_body = Approval,
    responses(
        (status = 200, body = Success<Decided>),
        (status = 400, description = "MISSING_FIELDS, INVALID_INPUT or INVALID_JSON", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "FORBIDDEN: an API key cannot make a session", body = Failed),
        (status = 404, description = "NOT_FOUND: no such code waits", body = Failed),
    )
)]
pub async fn approve(
    extract::State(state): extract::State<State>,
    caller: Caller,
    body: Body,
) -> Result<Response, Error> {
    // A session outlasts its scopes: an API key must not be able to make one.
    let Caller::User { user_id, .. } = caller else {
        return Err(Refusal::Forbidden("A session is required").into());
    };
    let user_code = body.required("user_code")?;
    let approve = !body.has("approve") || body.flag("approve")?;
    device::decide(&state.store, user_id, &user_code, approve, state.clock.now()).await?;
    Ok(envelope::ok(Decided {}))
}
