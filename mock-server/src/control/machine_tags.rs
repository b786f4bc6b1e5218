//! Tags that machines add to themselves (`issuing/tags.2`).

use serde_json::json;
use ztna_protocol::machine_token::TokenReference;

use super::audit::{self, AuditEntry};
use super::heartbeat::find_by_token;
use super::{ControlError, Draws};
use crate::domain::machine::Status;
use crate::domain::{Refusal, Timestamp, tag};
use crate::store::machines::{self, Machine};
use crate::store::{StoreError, Tx, auth_keys, users};

/// Adds normalised tags to the machine that holds the token, as far as its auth key or user allows them.
pub fn add(
    tx: &mut Tx<'_>,
    token: &TokenReference,
    tags: &[String],
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<Machine, ControlError> {
    let before = find_by_token(tx, token)?;
    if before.status == Status::Quarantined {
        return Err(Refusal::Quarantined.into());
    }
    tag::check_allowed(tags, allowed_tags(tx, &before)?.as_deref())?;
    let mut machine = before.clone();
    machine.tags = tag::union(&machine.tags, tags)?;
    machines::update(tx, &before, &machine)?;
    let entry = AuditEntry {
        org_id: &machine.org_id,
        actor: &format!("machine:{}", machine.id),
        action: "machine_tags",
        target: &machine.id,
        details: json!({ "name": machine.name, "tags": machine.tags }),
    };
    audit::record(tx, entry, random, now)?;
    Ok(machine)
}

/// The tags that the machine may claim, by its auth key or by the role of the user who registered it; `None` means any.
fn allowed_tags(tx: &mut Tx<'_>, machine: &Machine) -> Result<Option<Vec<String>>, StoreError> {
    if let Some(key_id) = &machine.auth_key_id {
        return auth_keys::allowed_tags(tx, key_id);
    }
    let Some(user_id) = &machine.enrolled_by else { return Ok(Some(Vec::new())) };
    let memberships = users::memberships(tx, user_id)?;
    let administers = memberships
        .iter()
        .any(|membership| membership.org_id == machine.org_id && membership.role.administers());
    Ok(if administers { None } else { Some(machine.tags.clone()) })
}
