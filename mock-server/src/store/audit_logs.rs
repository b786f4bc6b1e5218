//! The table `audit_logs`, appended to in the transaction of the audited change.

use serde_json::Value as Json;

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::values;

#[derive(Debug, Clone)]
pub struct NewAuditLog<'a> {
    pub id: String,
    pub org_id: &'a str,
    /// An email, `api-key:ID`, `auth-key:ID`, `machine:ID` or `system`.
    pub actor: &'a str,
    /// Named as in the API: `create_auth_key`, `register_machine`, …
    pub action: &'static str,
    /// The id of the affected object.
    pub target: &'a str,
    /// An object with further details, which must not contain secrets.
    pub details: Json,
}

/// The newest entries of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Newest {
    /// `None` if there are no entries.
    pub created_at: Option<i64>,
    /// How many entries have this time.
    pub count: i64,
}

/// Returns what changes with every new entry.
pub fn newest(tx: &mut Tx<'_>, org_id: &str) -> Result<Newest, StoreError> {
    let found = tx.optional(
        "SELECT max(created_at), count(*) FROM audit_logs
         WHERE org_id = ?1 AND created_at = (SELECT max(created_at) FROM audit_logs WHERE org_id = ?1)",
        values![org_id],
        |row| Ok(Newest { created_at: row.optional_integer(0)?, count: row.integer(1)? }),
    )?;
    Ok(found.unwrap_or(Newest { created_at: None, count: 0 }))
}

pub fn append(tx: &mut Tx<'_>, entry: &NewAuditLog<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.insert(
        "INSERT INTO audit_logs (id, org_id, actor, action, target, details, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            &entry.id,
            entry.org_id,
            entry.actor,
            entry.action,
            entry.target,
            entry.details.to_string(),
            now
        ],
    )
}
