//! The table `access_rules`: what machines of an organisation may reach.

use ztna_protocol::access::RuleView;

use super::{StoreError, Tx, network_map};
use crate::domain::Timestamp;
use crate::values;

/// The access rules of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredRules {
    /// Grows with each change; 0 if there never were rules.
    pub version: i64,
    pub rules: Vec<RuleView>,
    pub updated_at: Option<Timestamp>,
}

pub fn find(tx: &mut Tx<'_>, org_id: &str) -> Result<StoredRules, StoreError> {
    let found = tx.optional(
        "SELECT version, rules, updated_at FROM access_rules WHERE org_id = ?1",
        values![org_id],
        |row| {
            Ok(StoredRules {
                version: row.integer(0)?,
                rules: row.json(1)?.unwrap_or_default(),
                updated_at: Some(row.timestamp(2)?),
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}

/// Replaces the rules of version `before` and advances the map's version. Returns `false`, and does nothing, if another
/// replica has replaced them already.
pub fn replace(
    tx: &mut Tx<'_>,
    org_id: &str,
    before: i64,
    rules: &[RuleView],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = serde_json::json!(rules).to_string();
    let changed = tx.execute(
        "INSERT INTO access_rules (org_id, version, rules, updated_at) VALUES (?1, ?2 + 1, ?3, ?4)
         ON CONFLICT (org_id) DO UPDATE SET version = ?2 + 1, rules = ?3, updated_at = ?4
         WHERE access_rules.version = ?2",
        values![org_id, before, text, now],
    )?;
    if changed > 0 {
        network_map::advance_with_rules(tx, org_id, !rules.is_empty())?;
    }
    Ok(changed > 0)
}
