//! `PATCH /api/db/{auth_keys,api_keys}?id=eq.ID`: another name, or revocation.

use axum::extract::{self, RawQuery};
use axum::response::Response;
use serde_json::Value;
use utoipa::ToSchema;

use super::row::Rows;
use super::{Named, query};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::envelope::{self, Failed};
use crate::api::{Error, State};
use crate::control::rows::{self, KeyUpdate};
use crate::domain::Refusal;
use crate::domain::filter::{API_KEYS, AUTH_KEYS};
use crate::domain::key::name;

/// What may be changed of a key.
#[derive(ToSchema)]
pub struct KeyChange {
    /// Another name.
    pub name: Option<String>,
    /// Only true: a revoked key stays revoked.
    pub revoked: Option<bool>,
}

/// Renames or revokes the key that the filter `id=eq.ID` names.
#[utoipa::path(
    patch,
    path = "/api/db/{table}",
    security(("session" = []), ("api_key" = [])),
    params(
        ("table" = String, Path, description = "auth_keys or api_keys"),
        ("id" = String, Query, description = "eq.ID: the key", example = "eq.5f0c…"),
    ),
    request_body = KeyChange,
    responses(
        (status = 200, description = "The changed row, in an array", body = Rows),
        (status = 400, description = "INVALID_FILTER, INVALID_INPUT or INVALID_JSON", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "FORBIDDEN or INSUFFICIENT_SCOPE", body = Failed),
        (status = 404, description = "NOT_FOUND", body = Failed),
        (status = 405, description = "METHOD_NOT_ALLOWED: rows of that table change otherwise", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
        (status = 429, description = "RATE_LIMITED", body = Failed),
    )
)]
pub async fn change(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Named(table): Named,
    RawQuery(text): RawQuery,
    body: Body,
) -> Result<Response, Error> {
    if table != &API_KEYS && table != &AUTH_KEYS {
        return Err(Refusal::MethodNotAllowed.into());
    }
    let query = query(table, text.as_deref())?;
    if query.equals("id").len() != 1 {
        return Err(
            Refusal::InvalidFilter("one key is changed at a time: id=eq.ID names it".to_owned()).into()
        );
    }
    let change = requested(&body)?;
    let (random, now) = (state.random.clone(), state.clock.now());
    let rows = state.store.write(move |tx| rows::update(tx, &caller, &query, &change, &random, now)).await?;
    Ok(envelope::ok(rows))
}

fn requested(body: &Body) -> Result<KeyUpdate, Refusal> {
    if let Some(fixed) = body.names().find(|name| !["name", "revoked"].contains(name)) {
        let fixed: String = fixed.chars().filter(|character| !character.is_control()).take(60).collect();
        return Err(Refusal::invalid(format!("{fixed} cannot be changed; name and revoked can")));
    }
    let name = body.text("name")?;
    if let Some(name) = &name {
        name::check("name", name)?;
    }
    let revoke = match body.raw("revoked") {
        None => false,
        Some(Value::Bool(true)) => true,
        Some(_) => {
            return Err(Refusal::invalid(
                "revoked can only be set to true: a key once revoked stays revoked",
            ));
        }
    };
    if name.is_none() && !revoke {
        return Err(Refusal::invalid("nothing to change: give name, revoked, or both"));
    }
    Ok(KeyUpdate { name, revoke })
}
