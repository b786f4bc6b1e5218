//! The row type of an auth key with its organisation's quota.

use super::{Row, StoreError};
use crate::domain::cidr::AllowedCidrs;
use crate::domain::key::AuthKey;
use crate::domain::quota::Quota;

/// An auth key and its organisation's quota.
#[derive(Debug, Clone)]
pub struct KeyAndQuota {
    pub key: AuthKey,
    pub quota: Quota,
}

/// The columns of an auth key `k`, the first ones that [`key_and_quota`] reads. The organisation's quota follows.
macro_rules! key_columns {
    () => {
        "k.id, k.org_id, k.reusable, k.ephemeral, k.used_count, k.expires_at, k.revoked, k.allowed_tags, k.allowed_cidrs,
             k.tags"
    };
}
pub(super) use key_columns;

/// Reads an auth key, how many machines count towards its organisation's quota, and the limit.
pub(super) fn key_and_quota(row: &Row<'_>) -> Result<KeyAndQuota, StoreError> {
    let cidrs = AllowedCidrs::parse(row.json(8)?).map_err(|refusal| StoreError::Corrupt {
        column: "auth_keys.allowed_cidrs".to_owned(),
        reason: refusal.message().into_owned(),
    })?;
    let key = AuthKey {
        id: row.text(0)?,
        org_id: row.text(1)?,
        reusable: row.flag(2)?,
        ephemeral: row.flag(3)?,
        used_count: row.integer(4)?,
        expires_at: row.timestamp(5)?,
        revoked: row.flag(6)?,
        allowed_tags: row.json(7)?,
        allowed_cidrs: cidrs,
        tags: row.json(9)?.unwrap_or_default(),
    };
    let quota = Quota { machines: row.integer(10)?, limit: row.integer(11)? };
    Ok(KeyAndQuota { key, quota })
}
