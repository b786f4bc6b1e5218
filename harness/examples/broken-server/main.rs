//! A small control plane with one bug, for trying the kit on something that is not the reference.
//!
//! It implements what the chapter `used-count` needs over HTTP: auth keys and registrations, in
//! memory, with one fixed session token. `README.md` beside this file walks from the first run to
//! the diagnosis.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// The session of the only administrator; the target profile carries the same value.
const ADMIN_TOKEN: &str = "example-admin-session";
const ORG_ID: &str = "org_example";

#[derive(Default)]
struct Organisation {
    keys: Vec<Value>,
    machines: Vec<Value>,
    next_id: u64,
}

type Shared = Arc<Mutex<Organisation>>;
type Answer = (StatusCode, Json<Value>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let routes = Router::new()
        .route("/api/key-management", post(manage_keys))
        .route("/api/api-keys", post(manage_keys))
        .route("/api/register-machine", post(register))
        .route("/api/machine-admin", post(administer))
        .route("/api/db/{table}", get(list))
        .with_state(Shared::default());
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8899").await?, routes).await
}

async fn manage_keys(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    if !is_admin(&headers) {
        return refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Authentication required");
    }
    let mut organisation = shared.lock().unwrap_or_else(PoisonError::into_inner);
    match body["action"].as_str() {
        Some("create_auth_key") => create_key(&mut organisation, &body),
        Some("revoke_auth_key") => {
            organisation.keys.retain(|key| key["id"] != body["key_id"]);
            (StatusCode::OK, Json(json!({ "success": true, "data": { "revoked": true } })))
        }
        _ => refusal(StatusCode::BAD_REQUEST, "INVALID_ACTION", "Unknown action"),
    }
}

fn create_key(organisation: &mut Organisation, body: &Value) -> Answer {
    let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()) else {
        return refusal(StatusCode::BAD_REQUEST, "INVALID_INPUT", "name is required");
    };
    organisation.next_id += 1;
    // A real server takes random bytes here.
    let secret = format!("tskey-auth-{:064x}", organisation.next_id);
    let key = json!({
        "id": format!("00000000-0000-4000-8000-{:012x}", organisation.next_id),
        "name": name,
        "key": secret,
        "key_prefix": format!("{}...", &secret[..19]),
        "reusable": body["reusable"] == true,
        "ephemeral": body["ephemeral"] == true,
        "expiry_days": body.get("expiry_days").cloned().unwrap_or(json!(90)),
        "allowed_tags": body["allowed_tags"],
        "allowed_cidrs": body["allowed_cidrs"],
        "used_count": 0,
        "expires_at": "2099-01-01T00:00:00Z",
        "created_at": "2026-01-01T00:00:00Z",
        "revoked": false,
    });
    organisation.keys.push(key.clone());
    (StatusCode::CREATED, Json(json!({ "success": true, "data": key })))
}

async fn register(State(shared): State<Shared>, Json(body): Json<Value>) -> Answer {
    let mut organisation = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let Organisation { keys, machines, .. } = &mut *organisation;
    let Some(key) = keys.iter_mut().find(|key| key["key"] == body["auth_key"]) else {
        return refusal(StatusCode::UNAUTHORIZED, "INVALID_KEY", "Auth key is invalid, revoked, or expired");
    };
    let uses = key["used_count"].as_u64().unwrap_or_default();
    if key["reusable"] == false && uses > 0 {
        return refusal(StatusCode::UNAUTHORIZED, "KEY_USED", "Auth key already used");
    }
    let known = machines.iter().find(|machine| machine["name"] == body["name"]);
    // The bug: a machine that registers again with its key uses it, too, and is not counted.
    if known.is_none_or(|machine| machine["auth_key_id"] != key["id"]) {
        key["used_count"] = json!(uses + 1);
    }
    if let Some(machine) = known {
        return (StatusCode::OK, Json(json!({ "success": true, "data": { "machine": machine } })));
    }
    let number = machines.len() + 1;
    let machine = json!({
        "id": format!("m-{number}"),
        "name": body["name"],
        "status": "online",
        "tailnet_ip": format!("100.64.0.{number}"),
        "tags": [],
        "auth_key_id": key["id"],
    });
    machines.push(machine.clone());
    (StatusCode::CREATED, Json(json!({ "success": true, "data": { "machine": machine } })))
}

async fn administer(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    if !is_admin(&headers) {
        return refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Authentication required");
    }
    let mut organisation = shared.lock().unwrap_or_else(PoisonError::into_inner);
    organisation.machines.retain(|machine| machine["id"] != body["machine_id"]);
    (StatusCode::OK, Json(json!({ "success": true, "data": {} })))
}

async fn list(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(table): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    if !is_admin(&headers) {
        return refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Authentication required");
    }
    let organisation = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let rows = match table.as_str() {
        "auth_keys" => &organisation.keys,
        "machines" => &organisation.machines,
        _ => return refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "No such table"),
    };
    let rows: Vec<Value> =
        rows.iter().filter(|row| matches_all(row, &query)).map(|row| columns(row, &query)).collect();
    (StatusCode::OK, Json(json!({ "success": true, "data": rows })))
}

fn is_admin(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == &format!("Bearer {ADMIN_TOKEN}"))
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    (status, Json(json!({ "success": false, "error": { "code": code, "message": message } })))
}

/// Whether a row satisfies every `column=eq.value` of the query.
fn matches_all(row: &Value, query: &[(String, String)]) -> bool {
    query.iter().filter(|(column, _)| column != "select").all(|(column, condition)| {
        let wanted = condition.strip_prefix("eq.").unwrap_or(condition);
        match (column.as_str(), &row[column]) {
            ("org_id", _) => wanted == ORG_ID,
            (_, Value::String(text)) => text == wanted,
            (_, value) => format!("{value}") == wanted,
        }
    })
}

/// The row without the secret, reduced to the columns of `select`.
fn columns(row: &Value, query: &[(String, String)]) -> Value {
    let select = query.iter().find(|(name, _)| name == "select").map(|(_, value)| value.as_str());
    let shown = |name: &str| match select {
        None | Some("*") => name != "key",
        Some(names) => name != "key" && names.split(',').any(|wanted| wanted == name),
    };
    let Value::Object(row) = row else { return Value::Null };
    Value::Object(row.iter().filter(|(name, _)| shown(name)).map(|(n, v)| (n.clone(), v.clone())).collect())
}
