//! `POST /api/auth/device/token`: a device asks for its token (RFC 8628, 3.4).

use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Json, response};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::Fields;
use super::{DEFAULT_CLIENT, OAuthError};
use crate::api::{Error, State};
use crate::control::device::{self, PollOutcome};
use crate::domain::device_code::Poll;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a device asks with.
#[derive(ToSchema)]
pub struct TokenRequest {
    /// Always the one of RFC 8628.
    #[schema(example = "urn:ietf:params:oauth:grant-type:device_code")]
    pub grant_type: String,
    /// The device's secret.
    pub device_code: String,
    /// The client that began; `ztna` if absent.
    pub client_id: Option<String>,
}

/// The token (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// The bearer token of later requests: a JWT.
    pub access_token: String,
    /// Always Bearer.
    pub token_type: &'static str,
    /// How long it is valid, in seconds.
    pub expires_in: u64,
}

/// Gives a device its token, once, after a person approved.
#[utoipa::path(
    post,
    path = "/api/auth/device/token",
    request_body(content((TokenRequest = "application/json"), (TokenRequest = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, body = Token),
        (status = 400, description = "authorization_pending, slow_down, access_denied, expired_token, invalid_grant, \
            invalid_request or unsupported_grant_type", body = OAuthError),
    )
)]
pub async fn token(
    extract::State(state): extract::State<State>,
    fields: Fields,
) -> Result<Response, response::ErrorResponse> {
    match fields.get("grant_type") {
        None => return Err(refused("invalid_request", "grant_type required")),
        Some(GRANT_TYPE) => {}
        Some(_) => {
            let words = "grant_type must be urn:ietf:params:oauth:grant-type:device_code";
            return Err(refused("unsupported_grant_type", words));
        }
    }
    let device_code =
        fields.get("device_code").ok_or_else(|| refused("invalid_request", "device_code required"))?;
    let client_id = fields.get("client_id").unwrap_or(DEFAULT_CLIENT).to_owned();
    let now = state.clock.now();
    let answer = device::poll(&state.store, device_code, client_id, now).await.map_err(Error::from)?;
    let user = match answer {
        PollOutcome::Granted(user) => user,
        PollOutcome::NoToken(poll) => return Err(waiting(&poll)),
    };
    let key = &state.settings.session;
    let token = Token {
        access_token: key.issue(&user.id, &user.email, now),
        token_type: "Bearer",
        expires_in: key.lifetime().as_secs(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(token)).into_response())
}

fn waiting(poll: &Poll) -> response::ErrorResponse {
    match poll {
        Poll::Pending => {
            refused("authorization_pending", "nobody has approved yet; ask again after the interval")
        }
        Poll::SlowDown { .. } => refused("slow_down", "asked too soon; wait 5 seconds longer from now on"),
        Poll::Denied => refused("access_denied", "the login was denied"),
        Poll::Expired => refused("expired_token", "the code has expired; begin again"),
        Poll::Invalid | Poll::Granted { .. } => {
            refused("invalid_grant", "the device code is unknown, used up, or another client's")
        }
    }
}

fn refused(error: &'static str, error_description: &'static str) -> response::ErrorResponse {
    OAuthError { error, error_description }.into()
}
