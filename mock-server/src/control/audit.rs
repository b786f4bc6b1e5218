//! Writes down who did what, in the transaction that does it.

use serde_json::Value;

use super::Random;
use crate::domain::Timestamp;
use crate::store::audit_logs::{self, Entry};
use crate::store::{StoreError, Tx};

/// What is written down; the fields are those of [`Entry`].
pub(super) struct Deed<'a> {
    pub(super) org_id: &'a str,
    pub(super) actor: &'a str,
    pub(super) action: &'static str,
    pub(super) target: &'a str,
    pub(super) details: Value,
}

/// Appends the deed to `audit_logs`.
pub(super) fn record(
    tx: &mut Tx<'_>,
    deed: Deed<'_>,
    random: &Random,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Deed { org_id, actor, action, target, details } = deed;
    audit_logs::append(tx, &Entry { id: random.id(now), org_id, actor, action, target, details }, now)
}
