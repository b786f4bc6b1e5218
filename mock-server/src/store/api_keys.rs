//! The table `api_keys`.

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::scope::Scopes;
use crate::values;

/// A new API key's row.
#[derive(Debug, Clone)]
pub struct NewApiKey<'a> {
    /// The row's id.
    pub id: &'a str,
    /// The organisation it belongs to.
    pub org_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// SHA-256 of the full key, hex.
    pub key_hash: &'a str,
    /// What lists show of it.
    pub key_prefix: &'a str,
    /// What it may be used for.
    pub scopes: &'a Scopes,
    /// Uses a minute.
    pub rate_limit_rpm: i64,
    /// When it stops being valid.
    pub expires_at: Timestamp,
    /// The user who made it.
    pub created_by: &'a str,
}

/// Adds a key.
pub fn insert(tx: &mut Tx<'_>, key: &NewApiKey<'_>, now: Timestamp) -> Result<(), StoreError> {
    let scopes = key.scopes.names().map(|names| serde_json::json!(names).to_string());
    tx.execute(
        "INSERT INTO api_keys (id, org_id, name, key_hash, key_prefix, scopes, rate_limit_rpm, expires_at,
             created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        values![
            key.id,
            key.org_id,
            key.name,
            key.key_hash,
            key.key_prefix,
            scopes,
            key.rate_limit_rpm,
            key.expires_at,
            key.created_by,
            now
        ],
    )?;
    Ok(())
}

/// Revokes a key for good; `false` if the organisation has no such key. Twice is as good as once.
pub fn revoke(tx: &mut Tx<'_>, org_id: &str, id: &str) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE api_keys SET revoked = 1 WHERE id = ?1 AND org_id = ?2", values![id, org_id])?;
    Ok(changed > 0)
}
