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

/// The statement of [`key_and_quota`], with further columns and the condition.
macro_rules! select_key {
    ($columns:literal, $condition:literal) => {
        concat!(
            "SELECT k.id, k.org_id, k.reusable, k.ephemeral, k.used_count, k.expires_at, k.revoked,
                 k.allowed_tags, k.allowed_cidrs, k.tags,
                 p.machines - (SELECT count(*) FROM machines m WHERE m.org_id = o.id AND m.status = 'pending'),
                 o.machine_limit",
            $columns,
            " FROM auth_keys k JOIN organisations o ON o.id = k.org_id JOIN address_pools p ON p.org_id = k.org_id ",
            $condition
        )
    };
}
pub(super) use select_key;

/// Reads a row of [`select_key`].
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
