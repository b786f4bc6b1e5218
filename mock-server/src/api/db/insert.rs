//! `POST /api/db/api_keys`: an API key whose material was made in the browser (`api-key/ST5.3`).

use std::time::Duration;

use axum::extract;
use axum::response::Response;
use utoipa::ToSchema;

use super::Named;
use super::row::Rows;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::envelope::{self, Failed};
use crate::api::key_management::rate;
use crate::api::{Error, State};
use crate::control::access::{self, Permission};
use crate::control::rows::{self, ClientMadeKey};
use crate::domain::filter::API_KEYS;
use crate::domain::key::name;
use crate::domain::scope::Scopes;
use crate::domain::{Refusal, Timestamp};

/// The zero standing privilege policy: no key lasts longer (`api-key/ST4.1`).
const LONGEST: Duration = Duration::from_secs(90 * 24 * 60 * 60);

const FIELDS: [&str; 7] =
    ["org_id", "name", "key_hash", "key_prefix", "scopes", "rate_limit_rpm", "expires_at"];

/// An API key made by the client, who keeps the key itself.
#[derive(ToSchema)]
pub struct NewApiKey {
    /// The organisation it is for.
    #[schema(example = "org_9fX2kR")]
    pub org_id: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of the full key, in hex.
    pub key_hash: String,
    /// The first characters of the key, as lists show it.
    #[schema(example = "ztna_1a2b3c4d...")]
    pub key_prefix: String,
    /// What it may be used for; everything if absent.
    pub scopes: Option<Vec<String>>,
    /// Uses a minute; 60 if absent.
    #[schema(minimum = 1)]
    pub rate_limit_rpm: Option<i64>,
    /// When it ends, at most 90 days ahead.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Adds an API key whose hash the client computed.
#[utoipa::path(
    post,
    path = "/api/db/{table}",
    security(("session" = []), ("api_key" = [])),
    params(("table" = String, Path, description = "api_keys")),
    request_body = NewApiKey,
    responses(
        (status = 201, description = "The new row, in an array", body = Rows),
        (status = 400, description = "MISSING_FIELDS, INVALID_INPUT, INVALID_SCOPES or INVALID_JSON", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "FORBIDDEN or INSUFFICIENT_SCOPE", body = Failed),
        (status = 404, description = "NOT_FOUND", body = Failed),
        (status = 405, description = "METHOD_NOT_ALLOWED: rows of that table come about otherwise", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
        (status = 429, description = "RATE_LIMITED", body = Failed),
    )
)]
pub async fn insert(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Named(table): Named,
    body: Body,
) -> Result<Response, Error> {
    if table != &API_KEYS {
        return Err(Refusal::MethodNotAllowed.into());
    }
    let org_id = body.required("org_id")?;
    let (random, now) = (state.random, state.clock.now());
    let added = state.store.write(move |tx| {
        let actor = access::require(tx, &caller, &org_id, Permission::ManageKeys, now)?;
        rows::insert_api_key(tx, &actor, &key(&body, org_id, now)?, &random, now)
    });
    Ok(envelope::created(added.await?))
}

fn key(body: &Body, org_id: String, now: Timestamp) -> Result<ClientMadeKey, Refusal> {
    if let Some(unknown) = body.names().find(|name| !FIELDS.contains(name)) {
        let unknown: String = unknown.chars().filter(|character| !character.is_control()).take(60).collect();
        return Err(Refusal::invalid(format!("{unknown} cannot be set; {} can", FIELDS.join(", "))));
    }
    let name = body.required("name")?;
    name::check("name", &name)?;
    let key_hash = body.required("key_hash")?;
    if key_hash.len() != 64 || !key_hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Refusal::invalid("key_hash must be the key's SHA-256 in 64 lower-case hex characters"));
    }
    let key_prefix = body.required("key_prefix")?;
    if !is_prefix(&key_prefix) {
        return Err(Refusal::invalid("key_prefix must be ztna_, the key's first 8 characters, and ..."));
    }
    let scopes =
        Scopes::requested(body.texts("scopes")?).map_err(|unknown| Refusal::InvalidScopes { unknown })?;
    let rate_limit_rpm = rate(body)?;
    let expires_at = expires_at(&body.required("expires_at")?, now)?;
    Ok(ClientMadeKey { org_id, name, key_hash, key_prefix, scopes, rate_limit_rpm, expires_at })
}

/// A prefix shows 8 characters at most: more would be a part of the secret.
fn is_prefix(text: &str) -> bool {
    let shown = text.strip_prefix("ztna_").or_else(|| text.strip_prefix("qztna_"));
    shown.and_then(|rest| rest.strip_suffix("...")).is_some_and(|shown| {
        (1..=8).contains(&shown.len()) && shown.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn expires_at(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    Timestamp::parse(text).filter(|moment| *moment > now && *moment <= now.plus(LONGEST)).ok_or(
        Refusal::invalid(
            "expires_at must be an RFC 3339 time at most 90 days ahead (zero standing privilege policy)",
        ),
    )
}
