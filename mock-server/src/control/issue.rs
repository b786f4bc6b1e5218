//! Issues auth keys and API keys.

use serde_json::json;

use super::access::Actor;
use super::audit::{self, Deed};
use super::{Failure, Random};
use crate::domain::Timestamp;
use crate::domain::cidr::AllowedCidrs;
use crate::domain::key::expiry::Expiry;
use crate::domain::key::material::Material;
use crate::domain::scope::Scopes;
use crate::store::Tx;
use crate::store::api_keys::{self, NewApiKey};
use crate::store::auth_keys::{self, NewAuthKey};

/// An auth key as it was asked for, every field checked.
#[derive(Debug, Clone)]
pub struct AuthKeyRequest {
    /// Its name; the description where the guide's form gives no name (`issuing/create.1`).
    pub name: String,
    /// Whether it enrols more than once.
    pub reusable: bool,
    /// Whether its machines go away by themselves.
    pub ephemeral: bool,
    /// When it ends.
    pub expiry: Expiry,
    /// The tags a machine may claim, normalised; `None`: any.
    pub allowed_tags: Option<Vec<String>>,
    /// The networks a machine may register from.
    pub allowed_cidrs: AllowedCidrs,
    /// The tags every machine gets, normalised.
    pub tags: Option<Vec<String>>,
    /// What it is for.
    pub description: Option<String>,
}

/// An API key as it was asked for, every field checked.
#[derive(Debug, Clone)]
pub struct ApiKeyRequest {
    /// Its name.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Uses a minute.
    pub rate_limit_rpm: i64,
    /// When it ends.
    pub expiry: Expiry,
}

/// Stores an auth key's hash and answers the row's id (`generate/F.6`).
pub fn auth_key(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    request: &AuthKeyRequest,
    material: &Material,
    random: &Random,
    now: Timestamp,
) -> Result<String, Failure> {
    let id = random.id(now);
    let row = NewAuthKey {
        id: &id,
        org_id,
        name: &request.name,
        key_hash: &material.hash,
        key_prefix: &material.prefix,
        reusable: request.reusable,
        ephemeral: request.ephemeral,
        expires_at: request.expiry.expires_at,
        allowed_tags: request.allowed_tags.as_deref(),
        allowed_cidrs: request.allowed_cidrs.written(),
        tags: request.tags.as_deref(),
        description: request.description.as_deref(),
        created_by: &actor.user_id,
    };
    auth_keys::insert(tx, &row, now)?;
    let details = json!({ "name": request.name });
    let deed = Deed { org_id, actor: &actor.label, action: "create_auth_key", target: &id, details };
    audit::record(tx, deed, random, now)?;
    Ok(id)
}

/// Stores an API key's hash and answers the row's id (`api-key/F.5`).
pub fn api_key(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    request: &ApiKeyRequest,
    material: &Material,
    random: &Random,
    now: Timestamp,
) -> Result<String, Failure> {
    let id = random.id(now);
    let row = NewApiKey {
        id: &id,
        org_id,
        name: &request.name,
        key_hash: &material.hash,
        key_prefix: &material.prefix,
        scopes: &request.scopes,
        rate_limit_rpm: request.rate_limit_rpm,
        expires_at: request.expiry.expires_at,
        created_by: &actor.user_id,
    };
    api_keys::insert(tx, &row, now)?;
    let details = json!({ "name": request.name });
    let deed = Deed { org_id, actor: &actor.label, action: "create_api_key", target: &id, details };
    audit::record(tx, deed, random, now)?;
    Ok(id)
}
