//! `POST /api/auth/device/code`: a device begins its login (RFC 8628, 3.1).

use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Json, response};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::Fields;
use super::{DEFAULT_CLIENT, OAuthError};
use crate::api::{Error, State};
use crate::control::device;

/// The longest name a client may give itself.
const LONGEST_CLIENT: usize = 128;

/// Who asks.
#[derive(ToSchema)]
pub struct CodeRequest {
    /// The client's name; `ztna` if absent.
    #[schema(example = "ztna")]
    pub client_id: Option<String>,
}

/// What the device shows to the person in front of it (RFC 8628, 3.2).
#[derive(Serialize, ToSchema)]
pub struct Code {
    /// The device's secret.
    pub device_code: String,
    /// What the person types.
    #[schema(example = "WDJB-MJHT")]
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: String,
    /// Seconds until it is too late.
    pub expires_in: u64,
    /// Seconds to wait between two questions.
    pub interval: u64,
}

/// Begins a login on a device.
#[utoipa::path(
    post,
    path = "/api/auth/device/code",
    request_body(content((CodeRequest = "application/json"), (CodeRequest = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, body = Code),
        (status = 400, description = "invalid_request", body = OAuthError),
    )
)]
pub async fn code(
    extract::State(state): extract::State<State>,
    fields: Fields,
) -> Result<Response, response::ErrorResponse> {
    let client_id = fields.get("client_id").unwrap_or(DEFAULT_CLIENT);
    if client_id.len() > LONGEST_CLIENT || client_id.chars().any(char::is_control) {
        let error_description =
            "client_id must have at most 128 characters, none of them a control character";
        return Err(OAuthError { error: "invalid_request", error_description }.into());
    }
    let settings = &state.settings;
    let (lifetime, interval) = (settings.device_code_lifetime, settings.device_poll_interval);
    let begun = device::begin(&state.store, &state.random, client_id, lifetime, interval, state.clock.now())
        .await
        .map_err(Error::from)?;
    let verification_uri = format!("{}/device", settings.base_url);
    let answer = Code {
        verification_uri_complete: format!("{verification_uri}?user_code={}", begun.user_code),
        device_code: begun.device_code,
        user_code: begun.user_code,
        verification_uri,
        expires_in: lifetime.as_secs(),
        interval: interval.as_secs(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}
