//! `POST /api/auth/device/code`: starts a login on a device (RFC 8628, 3.1).

use axum::extract;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, response};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::FormOrJson;
use super::{ClientId, OAuthError};
use crate::api::client_address::client_address;
use crate::api::reached_url::{Arrival, reached_url};
use crate::api::request::{Optional, request};
use crate::api::{Error, State};
use crate::control::device::{self, NewLogin};

request! {
    /// The client that starts a login.
    pub struct CodeRequest {
        /// The client's name; `ztna` by default.
        client_id: Optional<ClientId> = "ztna",
    }
}

/// The codes of a login (RFC 8628, 3.2).
#[derive(Serialize, ToSchema)]
pub struct Code {
    /// The device's secret.
    pub device_code: String,
    /// The code that the person enters.
    #[schema(example = "WDJB-MJHT")]
    pub user_code: String,
    /// The page on which the person enters it.
    pub verification_uri: String,
    /// The same page with the code filled in.
    pub verification_uri_complete: String,
    /// The lifetime of the codes in seconds.
    pub expires_in: u64,
    /// The minimum time between two polls in seconds.
    pub interval: u64,
}

/// Starts a login on a device.
#[utoipa::path(
    post,
    path = "/api/auth/device/code",
    request_body(content(
        (Option<CodeRequest> = "application/json"),
        (Option<CodeRequest> = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, body = Code),
        (status = 400, description = "invalid_request", body = OAuthError),
    )
)]
pub async fn code(
    extract::State(state): extract::State<State>,
    parts: Parts,
    FormOrJson(request): FormOrJson<CodeRequest>,
) -> Result<Response, response::ErrorResponse> {
    let client_id = ClientId::or_default(request.client_id().map_err(OAuthError::from)?);
    let settings = &state.settings;
    let arrival = Arrival { uri: &parts.uri, headers: &parts.headers, extensions: &parts.extensions };
    let reached = reached_url(arrival, settings).map_err(OAuthError::from)?;
    let (lifetime, interval) = (settings.device_code_lifetime, settings.device_poll_interval);
    let address = client_address(&parts.extensions, &parts.headers, &state);
    let login = NewLogin { client_id, address, lifetime, interval };
    let begun = device::begin(&state.store, &state.random, login, state.clock.now()).await;
    let login = begun.map_err(Error::from)?;
    let verification_uri = format!("{reached}/device");
    let answer = Code {
        verification_uri_complete: format!("{verification_uri}?user_code={}", login.user_code),
        device_code: login.device_code,
        user_code: login.user_code,
        verification_uri,
        expires_in: lifetime.as_secs(),
        interval: interval.as_secs(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}
