//! Permanent revocation of keys. Machines that a key registered remain (`issuing/revoke.1`).

use serde_json::json;

use super::access::Actor;
use super::audit::{self, AuditEntry};
use super::{ControlError, Random};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Tx, api_keys, auth_keys};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Registers machines.
    AuthKey,
    /// Calls the management API.
    ApiKey,
}

/// Revokes a key of the organisation; idempotent.
pub fn revoke(
    tx: &mut Tx<'_>,
    kind: KeyKind,
    actor: &Actor,
    org_id: &str,
    key_id: &str,
    random: &Random,
    now: Timestamp,
) -> Result<(), ControlError> {
    let (known, action, what) = match kind {
        KeyKind::AuthKey => (auth_keys::revoke(tx, org_id, key_id)?, "revoke_auth_key", "Auth key"),
        KeyKind::ApiKey => (api_keys::revoke(tx, org_id, key_id)?, "revoke_api_key", "API key"),
    };
    if !known {
        return Err(Refusal::NotFound(what).into());
    }
    let entry = AuditEntry { org_id, actor: &actor.label, action, target: key_id, details: json!({}) };
    Ok(audit::record(tx, entry, random, now)?)
}
