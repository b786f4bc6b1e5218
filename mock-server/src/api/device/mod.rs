//! The device flow of RFC 8628: two endpoints in OAuth's own format, one in ours, and a page for people.

pub mod approve;
pub mod code;
pub mod fields;
pub mod page;
pub mod token;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The client that a device is that does not say: `ztna` itself.
const DEFAULT_CLIENT: &str = "ztna";

/// A refusal as OAuth writes it (RFC 6749, 5.2), without an envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct OAuthError {
    /// One of the codes of RFC 6749 and RFC 8628.
    #[schema(example = "authorization_pending")]
    pub error: &'static str,
    /// The same in words.
    pub error_description: &'static str,
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], Json(self)).into_response()
    }
}
