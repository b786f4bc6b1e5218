//! Issues auth keys and API keys.

use serde_json::json;

use super::access::Actor;
use super::audit::{self, AuditEntry};
use super::{ControlError, Draws};
use crate::domain::Timestamp;
use crate::domain::cidr::AllowedCidrs;
use crate::domain::key::expiry::Expiry;
use crate::domain::key::material::Material;
use crate::domain::scope::Scopes;
use crate::store::Tx;
use crate::store::api_keys::{self, NewApiKey};
use crate::store::auth_keys::{self, NewAuthKey};

/// A validated request for an auth key.
#[derive(Debug, Clone)]
pub struct AuthKeyRequest {
    /// The description if the guide's form gives no name (`issuing/create.1`).
    pub name: String,
    pub reusable: bool,
    pub ephemeral: bool,
    pub expiry: Expiry,
    /// The tags that a machine may claim, normalised; `None` means any.
    pub allowed_tags: Option<Vec<String>>,
    pub allowed_cidrs: AllowedCidrs,
    /// The tags that every machine receives, normalised.
    pub tags: Option<Vec<String>>,
    pub description: Option<String>,
}

/// A validated request for an API key.
#[derive(Debug, Clone)]
pub struct ApiKeyRequest {
    pub name: String,
    pub scopes: Scopes,
    pub rate_limit_rpm: i64,
    pub expiry: Expiry,
}

/// Stores the hash of an auth key and returns the row's id (`generate/F.6`).
pub fn auth_key(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    request: &AuthKeyRequest,
    material: &Material,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<String, ControlError> {
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
        api_key_id: actor.api_key_id.as_deref(),
    };
    auth_keys::insert(tx, &row, now)?;
    let details = json!({ "name": request.name });
    let entry = AuditEntry { org_id, actor: &actor.label, action: "create_auth_key", target: &id, details };
    audit::record(tx, entry, random, now)?;
    Ok(id)
}

/// Stores the hash of an API key and returns the row's id (`api-key/F.5`).
pub fn api_key(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    request: &ApiKeyRequest,
    material: &Material,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<String, ControlError> {
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
    let entry = AuditEntry { org_id, actor: &actor.label, action: "create_api_key", target: &id, details };
    audit::record(tx, entry, random, now)?;
    Ok(id)
}
