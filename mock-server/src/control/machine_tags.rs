//! A machine adds tags to itself (`issuing/tags.2`), within what let it in.

use serde_json::json;

use super::audit::{self, Deed};
use super::heartbeat::holder;
use super::{Failure, Random};
use crate::domain::machine::Status;
use crate::domain::{Refusal, Timestamp, tag};
use crate::store::machines::{self, Machine};
use crate::store::{StoreError, Tx, auth_keys, users};

/// Adds normalised tags to the machine that holds the token.
pub fn add(
    tx: &mut Tx<'_>,
    token_hash: &str,
    tags: &[String],
    random: &Random,
    now: Timestamp,
) -> Result<Machine, Failure> {
    let before = holder(tx, token_hash)?;
    if before.status == Status::Quarantined {
        return Err(Refusal::Quarantined.into());
    }
    tag::within(tags, bounds(tx, &before)?.as_deref())?;
    let mut machine = before.clone();
    machine.tags = tag::union(&machine.tags, tags)?;
    machines::update(tx, &before, &machine)?;
    let deed = Deed {
        org_id: &machine.org_id,
        actor: &format!("machine:{}", machine.id),
        action: "machine_tags",
        target: &machine.id,
        details: json!({ "name": machine.name, "tags": machine.tags }),
    };
    audit::record(tx, deed, random, now)?;
    Ok(machine)
}

/// The tags the machine may claim: its auth key's; of one that a user enrolled, what that user's role allows.
fn bounds(tx: &mut Tx<'_>, machine: &Machine) -> Result<Option<Vec<String>>, StoreError> {
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
