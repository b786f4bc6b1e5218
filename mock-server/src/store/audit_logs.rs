//! The table `audit_logs`: who did what, appended in the transaction that did it.

use serde_json::Value as Json;

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::values;

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// A new row's id.
    pub id: String,
    /// Where it happened.
    pub org_id: &'a str,
    /// Who did it: `Actor::label`, or `auth-key:ID`, `machine:ID`, `system`.
    pub actor: &'a str,
    /// What was done, in the API's words: `create_auth_key`, `register_machine`, …
    pub action: &'static str,
    /// The id of what it was done to.
    pub target: &'a str,
    /// An object with what else is worth knowing; never a secret.
    pub details: Json,
}

/// Appends an entry.
pub fn append(tx: &mut Tx<'_>, entry: &Entry<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
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
    )?;
    Ok(())
}
