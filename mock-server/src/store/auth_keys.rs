pub use super::key_row::KeyAndQuota;
use super::key_row::{key_and_quota, key_columns};
use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::values;

#[derive(Debug, Clone)]
pub struct NewAuthKey<'a> {
    pub id: &'a str,
    pub org_id: &'a str,
    pub name: &'a str,
    /// SHA-256 in hex of the part after the prefix.
    pub key_hash: &'a str,
    pub key_prefix: &'a str,
    pub reusable: bool,
    pub ephemeral: bool,
    pub expires_at: Timestamp,
    /// The tags that a machine may claim; `None` means any.
    pub allowed_tags: Option<&'a [String]>,
    /// The networks that a machine may register from; `None` means any.
    pub allowed_cidrs: Option<&'a [String]>,
    /// The tags that every machine receives.
    pub tags: Option<&'a [String]>,
    pub description: Option<&'a str>,
    /// The creator's user id.
    pub created_by: &'a str,
    /// The API key that issued it, if one did.
    pub api_key_id: Option<&'a str>,
}

pub fn insert(tx: &mut Tx<'_>, key: &NewAuthKey<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO auth_keys (id, org_id, name, key_hash, key_prefix, reusable, ephemeral, expires_at,
             allowed_tags, allowed_cidrs, tags, description, created_by, api_key_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        values![
            key.id,
            key.org_id,
            key.name,
            key.key_hash,
            key.key_prefix,
            key.reusable,
            key.ephemeral,
            key.expires_at,
            key.allowed_tags.map(list),
            key.allowed_cidrs.map(list),
            key.tags.map(list),
            key.description,
            key.created_by,
            key.api_key_id,
            now
        ],
    )?;
    Ok(())
}

pub fn find(tx: &mut Tx<'_>, key_hash: &str) -> Result<Option<KeyAndQuota>, StoreError> {
    if let Some(known) = tx.overlay().and_then(|overlay| overlay.key(key_hash)) {
        return Ok(known);
    }
    let sql = concat!(
        "SELECT ",
        key_columns!(),
        ", p.machines - (SELECT count(*) FROM machines m WHERE m.org_id = o.id AND m.status = 'pending'), o.machine_limit
         FROM auth_keys k JOIN organisations o ON o.id = k.org_id JOIN address_pools p ON p.org_id = k.org_id
         WHERE k.key_hash = ?1"
    );
    tx.optional(sql, values![key_hash], key_and_quota)
}

/// Counts a registration if the key still allows one. Returns `false` if another replica used the key first or the key
/// was revoked in the meantime (`used-count/F.1`, `used-count/F.2`).
pub fn claim(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    if let Some(claimed) = tx.overlay().and_then(|overlay| overlay.claim(id, now)) {
        return Ok(claimed);
    }
    let changed = tx.execute(
        "UPDATE auth_keys SET used_count = used_count + 1
         WHERE id = ?1 AND revoked = 0 AND expires_at > ?2 AND (reusable = 1 OR used_count = 0)",
        values![id, now],
    )?;
    Ok(changed > 0)
}

/// Revokes a key permanently; idempotent. Returns `false` if the organisation has no such key.
pub fn revoke(tx: &mut Tx<'_>, org_id: &str, id: &str) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE auth_keys SET revoked = 1 WHERE id = ?1 AND org_id = ?2", values![id, org_id])?;
    Ok(changed > 0)
}

/// Revokes the valid keys that an API key issued, and returns their ids.
pub fn revoke_issued_by(
    tx: &mut Tx<'_>,
    api_key_id: &str,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let valid =
        "SELECT id FROM auth_keys WHERE api_key_id = ?1 AND revoked = 0 AND expires_at > ?2 ORDER BY id";
    let ids = tx.all(valid, values![api_key_id, now], |row| row.text(0))?;
    let sql = "UPDATE auth_keys SET revoked = 1 WHERE api_key_id = ?1 AND revoked = 0 AND expires_at > ?2";
    tx.execute(sql, values![api_key_id, now])?;
    Ok(ids)
}

/// The tags that machines of the key may claim; `None` means any. An unknown key allows none.
pub fn allowed_tags(tx: &mut Tx<'_>, id: &str) -> Result<Option<Vec<String>>, StoreError> {
    let found =
        tx.optional("SELECT allowed_tags FROM auth_keys WHERE id = ?1", values![id], |row| row.json(0))?;
    Ok(found.unwrap_or(Some(Vec::new())))
}

fn list(items: &[String]) -> String {
    serde_json::json!(items).to_string()
}
