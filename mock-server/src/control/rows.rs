//! The CRUD endpoints' operations: rows of the caller's organisations, never of another's.

use serde_json::{Map, Value as Json, json};

use super::access::{self, Actor, Caller, Permission, require};
use super::audit::{self, Deed};
use super::{Failure, Random};
use crate::domain::filter::{API_KEYS, AUTH_KEYS, MACHINES, Query, Table};
use crate::domain::scope::{Resource, Scopes};
use crate::domain::{Refusal, Timestamp};
use crate::store::{StoreError, Tx, api_keys, rows};

/// A row as it is answered.
pub type Row = Map<String, Json>;

/// An API key whose material was made by the client (`api-key/ST5.3`); the server never sees it.
pub struct ClientMadeKey {
    /// The organisation it is for.
    pub org_id: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of the full key, hex.
    pub key_hash: String,
    /// What lists show of it.
    pub key_prefix: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Uses a minute.
    pub rate_limit_rpm: i64,
    /// When it stops being valid.
    pub expires_at: Timestamp,
}

/// What a PATCH may change. A key once revoked stays so: validity never returns.
pub struct Change {
    /// Another name.
    pub name: Option<String>,
    /// Whether to revoke.
    pub revoke: bool,
}

/// The rows that the query asks for.
///
/// # Errors
/// 403 FORBIDDEN for an organisation that is named and not the caller's, or if the caller may read this table nowhere.
pub fn list(tx: &mut Tx<'_>, caller: &Caller, query: &Query, now: Timestamp) -> Result<Vec<Row>, Failure> {
    let organisations = organisations(tx, caller, query, Permission::Read(resource(query.table)), now)?;
    Ok(rows::select(tx, query, &organisations, now)?)
}

/// Adds an API key in the name of `actor`, who may manage keys there, and answers its row.
///
/// # Errors
/// 400 INVALID_INPUT if a key with that hash exists.
pub fn insert_api_key(
    tx: &mut Tx<'_>,
    actor: &Actor,
    key: &ClientMadeKey,
    random: &Random,
    now: Timestamp,
) -> Result<Vec<Row>, Failure> {
    let id = random.id(now);
    let row = api_keys::NewApiKey {
        id: &id,
        org_id: &key.org_id,
        name: &key.name,
        key_hash: &key.key_hash,
        key_prefix: &key.key_prefix,
        scopes: &key.scopes,
        rate_limit_rpm: key.rate_limit_rpm,
        expires_at: key.expires_at,
        created_by: &actor.user_id,
    };
    api_keys::insert(tx, &row, now).map_err(|error| match error {
        StoreError::Unique { .. } => Failure::from(Refusal::invalid("key_hash is taken: make another key")),
        other => other.into(),
    })?;
    let deed = Deed {
        org_id: &key.org_id,
        actor: &actor.label,
        action: "create_api_key",
        target: &id,
        details: json!({ "name": key.name, "scopes": key.scopes.names(), "made_by_client": true }),
    };
    audit::record(tx, deed, random, now)?;
    Ok(rows::select(tx, &Query::row(&API_KEYS, &id), std::slice::from_ref(&key.org_id), now)?)
}

/// Changes the key that the query names, and answers its row in the columns the query selects.
///
/// # Errors
/// 403 FORBIDDEN; 404 NOT_FOUND if none of the caller's organisations has it.
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    query: &Query,
    change: &Change,
    random: &Random,
    now: Timestamp,
) -> Result<Vec<Row>, Failure> {
    let allowed = organisations(tx, caller, query, Permission::ManageKeys, now)?;
    let mut target = query.clone();
    target.select = query.table.columns.iter().collect();
    let found = rows::select(tx, &target, &allowed, now)?;
    let text = |row: &Row, column: &str| row.get(column).and_then(Json::as_str).map(ToOwned::to_owned);
    let Some((id, org_id)) = found.first().and_then(|row| text(row, "id").zip(text(row, "org_id"))) else {
        return Err(Refusal::NotFound(thing(query.table)).into());
    };
    let actor = require(tx, caller, &org_id, Permission::ManageKeys, now)?;
    rows::change(tx, query.table, &id, change.name.as_deref(), change.revoke)?;
    let mut details = Map::new();
    if let Some(name) = &change.name {
        details.insert("name".to_owned(), name.as_str().into());
    }
    if change.revoke {
        details.insert("revoked".to_owned(), true.into());
    }
    let deed = Deed {
        org_id: &org_id,
        actor: &actor.label,
        action: action(query.table, change),
        target: &id,
        details: details.into(),
    };
    audit::record(tx, deed, random, now)?;
    let mut changed = Query::row(query.table, &id);
    changed.select.clone_from(&query.select);
    Ok(rows::select(tx, &changed, &[org_id], now)?)
}

/// The organisations that a query is about: those it names, each of which must be the caller's, or all of the caller's.
fn organisations(
    tx: &mut Tx<'_>,
    caller: &Caller,
    query: &Query,
    permission: Permission,
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let named = query.named("org_id");
    if named.is_empty() {
        return access::organisations(tx, caller, permission, now);
    }
    for org_id in &named {
        require(tx, caller, org_id, permission, now)?;
    }
    Ok(named.into_iter().map(ToOwned::to_owned).collect())
}

fn resource(table: &Table) -> Resource {
    match table.name {
        name if name == AUTH_KEYS.name || name == API_KEYS.name => Resource::Keys,
        name if name == MACHINES.name => Resource::Machines,
        _ => Resource::Audit,
    }
}

fn thing(table: &Table) -> &'static str {
    if table.name == AUTH_KEYS.name { "Auth key" } else { "API key" }
}

fn action(table: &Table, change: &Change) -> &'static str {
    match (table.name == AUTH_KEYS.name, change.revoke) {
        (true, true) => "revoke_auth_key",
        (true, false) => "rename_auth_key",
        (false, true) => "revoke_api_key",
        (false, false) => "rename_api_key",
    }
}
