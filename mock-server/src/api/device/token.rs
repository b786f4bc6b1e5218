//! `POST /api/auth/device/token`: a device polls for its token (RFC 8628, 3.4).

use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Json, response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::Schema;

use super::fields::FormOrJson;
use super::{ClientId, OAuthError};
use crate::api::request::{FieldType, NonBlank, Optional, Required, one_of, plain, request};
use crate::api::{Error, State};
use crate::control::device::{self, PollOutcome};
use crate::domain::Refusal;
use crate::domain::device_code::Poll;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

request! {
    /// A device's poll.
    pub struct TokenRequest {
        /// The grant type of RFC 8628.
        grant_type: Required<GrantType>,
        /// The device's secret.
        device_code: Required<NonBlank>,
        /// The client that started the login; `ztna` by default.
        client_id: Optional<ClientId> = "ztna",
    }
}

pub(in crate::api) struct GrantType(String);

/// An access token (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// The bearer token of later requests: a JWT.
    pub access_token: String,
    /// Always Bearer.
    pub token_type: &'static str,
    /// The token's lifetime in seconds.
    pub expires_in: u64,
}

/// Issues a device's token, once, after a person has approved the login.
#[utoipa::path(
    post,
    path = "/api/auth/device/token",
    request_body(content(
        (TokenRequest = "application/json"),
        (TokenRequest = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, body = Token),
        (status = 400, description = "authorization_pending, slow_down, access_denied, expired_token, invalid_grant, \
            invalid_request or unsupported_grant_type", body = OAuthError),
    )
)]
pub async fn token(
    extract::State(state): extract::State<State>,
    FormOrJson(request): FormOrJson<TokenRequest>,
) -> Result<Response, response::ErrorResponse> {
    if request.grant_type().map_err(OAuthError::from)?.0 != GRANT_TYPE {
        let message = "grant_type must be urn:ietf:params:oauth:grant-type:device_code";
        return Err(OAuthError::new("unsupported_grant_type", message).into());
    }
    let device_code = request.device_code().map_err(OAuthError::from)?.0;
    let client_id = ClientId::or_default(request.client_id().map_err(OAuthError::from)?);
    let now = state.clock.now();
    let outcome = device::poll(&state.store, &device_code, client_id, now).await.map_err(Error::from)?;
    let (user, authenticated_at) = match outcome {
        PollOutcome::Granted { user, authenticated_at } => (user, authenticated_at),
        PollOutcome::NoToken(poll) => return Err(no_token(&poll).into()),
    };
    let key = &state.settings.session;
    let token = Token {
        access_token: key.issue_approved(&state.random.id(now), &user.id, &user.email, authenticated_at, now),
        token_type: "Bearer",
        expires_in: key.lifetime().as_secs(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(token)).into_response())
}

impl FieldType for GrantType {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        plain(field, value).map(Self)
    }

    fn schema() -> Schema {
        one_of([GRANT_TYPE])
    }
}

fn no_token(poll: &Poll) -> OAuthError {
    match poll {
        Poll::Pending => OAuthError::new(
            "authorization_pending",
            "the login has not been approved yet; poll again after the interval",
        ),
        Poll::SlowDown { .. } => {
            OAuthError::new("slow_down", "polled too soon; wait 5 seconds longer from now on")
        }
        Poll::Denied => OAuthError::new("access_denied", "the login was denied"),
        Poll::Expired => OAuthError::new("expired_token", "the code has expired; start a new login"),
        Poll::Invalid | Poll::Granted { .. } => OAuthError::new(
            "invalid_grant",
            "the device code is unknown, already redeemed, or belongs to another client",
        ),
    }
}
