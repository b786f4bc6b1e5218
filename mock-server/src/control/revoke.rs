//! Revokes keys, for good. What they enrolled or did stays (`issuing/revoke.1`).

use serde_json::json;

use super::access::Actor;
use super::audit::{self, Deed};
use super::{Failure, Random};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Tx, api_keys, auth_keys};

/// The two kinds of key there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Enrols machines.
    AuthKey,
    /// Calls the management API.
    ApiKey,
}

/// Revokes a key of the organisation; twice is as good as once.
pub fn revoke(
    tx: &mut Tx<'_>,
    kind: Kind,
    actor: &Actor,
    org_id: &str,
    key_id: &str,
    random: &Random,
    now: Timestamp,
) -> Result<(), Failure> {
    let (known, action, what) = match kind {
        Kind::AuthKey => (auth_keys::revoke(tx, org_id, key_id)?, "revoke_auth_key", "Auth key"),
        Kind::ApiKey => (api_keys::revoke(tx, org_id, key_id)?, "revoke_api_key", "API key"),
    };
    if !known {
        return Err(Refusal::NotFound(what).into());
    }
    let deed = Deed { org_id, actor: &actor.label, action, target: key_id, details: json!({}) };
    Ok(audit::record(tx, deed, random, now)?)
}
