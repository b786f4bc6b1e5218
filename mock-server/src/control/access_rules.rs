//! The access rules of an organisation (`issuing/tags.3`).

use serde_json::json;
use ztna_protocol::access::RuleView;

use super::access::Actor;
use super::audit::{self, AuditEntry};
use super::{ControlError, Draws};
use crate::domain::access_rules::check_version;
use crate::domain::{Refusal, Timestamp};
use crate::store::access_rules::{self, StoredRules};
use crate::store::{StoreError, Tx};

/// Replaces all rules by these normalised ones. With `expected`, only if that is still their version. Rules that are the
/// same keep their version.
///
/// # Errors
/// 409 VERSION_CONFLICT if they have another version.
pub fn replace(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    rules: &[RuleView],
    expected: Option<i64>,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<StoredRules, ControlError> {
    let before: Result<_, StoreError> = access_rules::find(tx, org_id);
    let before = before?;
    check_version(before.version, expected)?;
    if before.rules == rules {
        return Ok(before);
    }
    if !access_rules::replace(tx, org_id, before.version, rules, now)? {
        return Err(Refusal::AccessRulesChanged { version: before.version + 1 }.into());
    }
    let version = before.version + 1;
    let details = json!({ "version": version, "rules": rules.len() });
    let entry =
        AuditEntry { org_id, actor: &actor.label, action: "set_access_rules", target: org_id, details };
    audit::record(tx, entry, random, now)?;
    Ok(StoredRules { version, rules: rules.to_vec(), updated_at: Some(now) })
}
