//! `GET /api/openapi.json`: the document that the routes declare.

use std::sync::{LazyLock, OnceLock};

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi};

use super::error;

/// What the routes declare of themselves, once there are routes.
static DECLARED: OnceLock<OpenApi> = OnceLock::new();
static DOCUMENT: LazyLock<Option<String>> = LazyLock::new(|| DECLARED.get().map(document)?.to_json().ok());

/// This document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    responses((status = 200, description = "The OpenAPI document", body = serde_json::Value))
)]
pub async fn openapi() -> Response {
    match DOCUMENT.as_deref() {
        Some(document) => ([(header::CONTENT_TYPE, "application/json")], document).into_response(),
        None => error::internal(),
    }
}

/// Takes the routes' own declarations, which the document is made of.
pub(super) fn publish(declared: OpenApi) {
    // The routes are built once a process.
    let _ = DECLARED.set(declared);
}

/// The routes' own declarations, with what holds for all of them.
fn document(declared: &OpenApi) -> OpenApi {
    let mut document = declared.clone();
    document.info = InfoBuilder::new()
        .title("QuickZTNA control plane")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Answers are `{\"success\": true, \"data\": …}`, refusals `{\"success\": false, \"error\": {\"code\", \
             \"message\"}}`; the two endpoints of RFC 8628 speak OAuth's format instead.",
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    for (name, description) in [
        ("session", "An access token: a JWT of /api/auth/login or of the device flow"),
        ("api_key", "An API key: qztna_… or ztna_…; what it may do is bound by its scopes"),
        ("machine_token", "A machine token: ztm_…, as /api/register-machine answers it"),
        ("relay_secret", "The secret that the control plane shares with its relays"),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    document
}
