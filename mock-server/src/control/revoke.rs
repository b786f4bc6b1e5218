//! Permanent revocation of keys. Machines that a key registered remain (`issuing/revoke.1`).

use serde_json::json;

use super::access::Actor;
use super::audit::{self, AuditEntry};
use super::{ControlError, Draws};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Tx, api_keys, auth_keys};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Registers machines.
    AuthKey,
    /// Calls the management API.
    ApiKey,
}

/// Revokes a key of the organisation, and with an API key the auth keys that it issued; idempotent.
pub fn revoke(
    tx: &mut Tx<'_>,
    kind: KeyKind,
    actor: &Actor,
    org_id: &str,
    key_id: &str,
    random: &Draws<'_>,
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
    audit::record(tx, entry, random, now)?;
    match kind {
        KeyKind::AuthKey => Ok(()),
        KeyKind::ApiKey => auth_keys_issued_by(tx, actor, org_id, key_id, random, now),
    }
}

/// Revokes the auth keys that a revoked API key issued: whoever stole it may have issued them. The expiry of an API key
/// ends none, since each auth key has its own documented lifetime (`issuing/expiry.1`).
pub(super) fn auth_keys_issued_by(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    api_key_id: &str,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<(), ControlError> {
    for id in auth_keys::revoke_issued_by(tx, api_key_id, now)? {
        let details = json!({ "issued_by": format!("api-key:{api_key_id}") });
        let entry =
            AuditEntry { org_id, actor: &actor.label, action: "revoke_auth_key", target: &id, details };
        audit::record(tx, entry, random, now)?;
    }
    Ok(())
}
