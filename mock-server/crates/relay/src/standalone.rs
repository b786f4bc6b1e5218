//! The routes of a standalone relay.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use ztna_protocol::machine_token::{self, TokenReference};

use crate::relay::Relay;

/// Returns the routes `GET /relay`, `GET /relay/counters` and `GET /healthz`, as the control plane serves them.
pub fn router(relay: Relay) -> Router {
    Router::new()
        .route("/relay", get(connect))
        .route("/relay/counters", get(counters))
        .route("/healthz", get(async || done(&json!({ "status": "ok" }))))
        .fallback(async || refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Endpoint not found"))
        .with_state(relay)
}

async fn connect(
    State(relay): State<Relay>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let unauthorized = |message| refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
    let Some(token) = bearer(&headers) else { return unauthorized("Machine token required") };
    let token = TokenReference::to(token);
    let member = match relay.admit(&token).await {
        Ok(Some(member)) => member,
        Ok(None) => return unauthorized("The machine token is unknown, or its machine is not admitted"),
        Err(error) => {
            tracing::warn!(%error, "refusing a machine because the control plane cannot be asked");
            let message = "The control plane cannot be reached; try again later";
            return refused(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
        }
    };
    match upgrade {
        Ok(upgrade) => relay.accept(upgrade, member, token),
        Err(_) => refused(StatusCode::BAD_REQUEST, "INVALID_INPUT", "Expected a WebSocket upgrade"),
    }
}

async fn counters(State(relay): State<Relay>) -> Response {
    done(&json!(relay.counted()))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(machine_token::PREFIX)).then_some(token)
}

fn done(data: &serde_json::Value) -> Response {
    Json(json!({ "success": true, "data": data })).into_response()
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "success": false, "error": { "code": code, "message": message } }))).into_response()
}
