//! `POST /api/auth/login`: exchanges email and password for an access token.

use axum::extract;
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Body;
use super::client_address::client_address;
use super::envelope::{self, Success};
use super::refusals::refusals;
use super::request::{NonBlank, Password, Required, request};
use super::{Error, State};
use crate::control::guesses::{Guess, Secret};
use crate::control::session;

request! {
    /// The credentials of a user.
    pub struct LoginRequest {
        /// The email in any case.
        email: Required<NonBlank> = "admin@acme.example",
        /// The password, which is not trimmed.
        password: Required<Password>,
    }
}

refusals!(LoginRefusals: MissingFields, InvalidInput, InvalidJson, InvalidCredentials, PayloadTooLarge, RateLimited);

/// An access token.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// The bearer token of later requests: a JWT.
    pub access_token: String,
    /// The token's lifetime in seconds.
    pub expires_in: u64,
}

/// Issues an access token for email and password.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    request_body = LoginRequest,
    responses((status = 200, body = Success<Session>), LoginRefusals)
)]
pub async fn login(
    extract::State(state): extract::State<State>,
    extensions: Extensions,
    headers: HeaderMap,
    Body(request): Body<LoginRequest>,
) -> Result<Response, Error> {
    let (email, password) = (request.email()?, request.password()?);
    let now = state.clock.now();
    let guess = Guess {
        secret: Secret::Password { email: email.0.clone() },
        address: client_address(&extensions, &headers, &state),
        now,
    };
    let attempt = state.guesses.begin(guess, &state.store, &state.random).await?;
    let user = attempt.settle(session::login(&state.store, email.0, password.0).await).await?;
    let key = &state.settings.session;
    Ok(envelope::ok(Session {
        access_token: key.issue(&state.random.id(now), &user.id, &user.email, now),
        expires_in: key.lifetime().as_secs(),
    }))
}
