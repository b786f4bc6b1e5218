//! `POST /api/auth/login`: email and password for an access token.

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Body;
use super::envelope::{self, Failed, Success};
use super::{Error, State};
use crate::control::session;
use crate::domain::Refusal;

/// What a person logs in with.
#[derive(ToSchema)]
pub struct Login {
    /// The email, in any case.
    #[schema(example = "admin@acme.example")]
    pub email: String,
    /// The password.
    pub password: String,
}

/// An access token.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// The bearer token of later requests: a JWT.
    pub access_token: String,
    /// How long it is valid, in seconds.
    pub expires_in: u64,
}

/// Gives out an access token for the right email and password.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    request_body = Login,
    responses(
        (status = 200, body = Success<Session>),
        (status = 400, description = "MISSING_FIELDS, INVALID_INPUT or INVALID_JSON", body = Failed),
        (status = 401, description = "INVALID_CREDENTIALS", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
    )
)]
pub async fn login(extract::State(state): extract::State<State>, body: Body) -> Result<Response, Error> {
    let email = body.required("email")?;
    // A password may hold spaces only; it is never trimmed.
    let password = body.text("password")?.ok_or(Refusal::MissingField("password"))?;
    let user = session::login(&state.store, email, password).await?;
    let key = &state.settings.session;
    Ok(envelope::ok(Session {
        access_token: key.issue(&user.id, &user.email, state.clock.now()),
        expires_in: key.lifetime().as_secs(),
    }))
}
