//! The audit log, written in the transaction of the audited change.

use serde_json::Value;

use super::Draws;
use crate::domain::Timestamp;
use crate::store::audit_logs::{self, NewAuditLog};
use crate::store::{StoreError, Tx};

/// An audited change; the fields are those of [`NewAuditLog`].
pub(super) struct AuditEntry<'a> {
    pub(super) org_id: &'a str,
    pub(super) actor: &'a str,
    pub(super) action: &'static str,
    pub(super) target: &'a str,
    pub(super) details: Value,
}

pub(super) fn record(
    tx: &mut Tx<'_>,
    entry: AuditEntry<'_>,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let AuditEntry { org_id, actor, action, target, details } = entry;
    audit_logs::append(tx, &NewAuditLog { id: random.id(now), org_id, actor, action, target, details }, now)
}
