//! The device flow of RFC 8628: two endpoints in OAuth's format, one in the API's own, and a page for people.

pub mod approve;
pub mod code;
pub mod fields;
pub mod page;
pub mod token;

use std::borrow::Cow;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::Schema;

use super::request::{FieldType, SHOWN, plain, string};
use crate::domain::{Refusal, text};

/// The client of a request that names none.
const DEFAULT_CLIENT: &str = "ztna";

/// The maximum length of a client's name in characters.
const MAX_CLIENT_LEN: usize = 128;

/// A refusal in OAuth's format (RFC 6749, 5.2), without an envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct OAuthError {
    /// A code of RFC 6749 or RFC 8628.
    #[schema(example = "authorization_pending")]
    pub error: &'static str,
    #[schema(value_type = String)]
    pub error_description: Cow<'static, str>,
}

/// The name of a client; an empty one stands for the default.
pub(super) struct ClientId(String);

impl ClientId {
    fn or_default(client: Option<Self>) -> String {
        client.map(|client| client.0).filter(|name| !name.is_empty()).unwrap_or(DEFAULT_CLIENT.to_owned())
    }
}

impl FieldType for ClientId {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let name = plain(field, value)?;
        text::check(field, &name)?;
        if name.chars().count() > MAX_CLIENT_LEN {
            return Err(Refusal::invalid(format!(
                "{field} must not be longer than {MAX_CLIENT_LEN} characters"
            )));
        }
        Ok(Self(name))
    }

    fn schema() -> Schema {
        string(SHOWN, 0, MAX_CLIENT_LEN).into()
    }
}

impl OAuthError {
    fn new(error: &'static str, error_description: impl Into<Cow<'static, str>>) -> Self {
        Self { error, error_description: error_description.into() }
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        Self::new("invalid_request", refusal.message())
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], Json(self)).into_response()
    }
}
