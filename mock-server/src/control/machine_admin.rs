//! Administration of machines (`issuing/disconnect.1`).

use serde_json::json;

use super::access::Actor;
use super::audit::{self, AuditEntry};
use super::{ControlError, Draws};
use crate::domain::machine::Status;
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::{self, Machine};
use crate::store::{StoreError, Tx, addresses, quarantines};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAction {
    /// Cuts the machine off, and refuses registrations with its name or public key, until it is released.
    Quarantine,
    /// Ends a quarantine, also that of a machine deleted since; the next heartbeat brings the machine online.
    Release,
    /// Deletes the machine and frees its name, unless it is quarantined; the use count of its key stays.
    Delete,
    /// Admits a member's machine, which takes a place of the organisation's quota.
    Approve,
    /// Replaces the machine's tags with these normalised ones.
    SetTags(Vec<String>),
}

/// Applies the action and returns the resulting or deleted machine, or `None` if a release found only the quarantine of a
/// deleted one.
pub fn apply(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    machine_id: &str,
    admin_action: &AdminAction,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<Option<Machine>, ControlError> {
    let found: Result<_, StoreError> = machines::find(tx, org_id, machine_id);
    let Some(before) = found? else {
        let released =
            *admin_action == AdminAction::Release && quarantines::remove(tx, org_id, machine_id)?.is_some();
        if !released {
            return Err(Refusal::NotFound("Machine").into());
        }
        let (action, details) = ("release_machine", json!({ "deleted": true }));
        let entry = AuditEntry { org_id, actor: &actor.label, action, target: machine_id, details };
        audit::record(tx, entry, random, now)?;
        return Ok(None);
    };
    let mut machine = before.clone();
    let action = match admin_action {
        AdminAction::Quarantine => {
            quarantines::insert(tx, &machine)?;
            machine.status = Status::Quarantined;
            "quarantine_machine"
        }
        AdminAction::Release => {
            if machine.status == Status::Quarantined {
                // It was not approved by being quarantined.
                let was_pending = quarantines::remove(tx, org_id, machine_id)?.unwrap_or(false);
                machine.status = if was_pending { Status::Pending } else { Status::Offline };
                // Its heartbeats were refused, so an ephemeral machine gets a fresh half hour to resume them.
                machine.last_seen = now;
            }
            "release_machine"
        }
        AdminAction::Approve => {
            if machine.status == Status::Pending {
                addresses::quota(tx, org_id)?.ok_or(Refusal::NotFound("Organisation"))?.admit()?;
                machine.status = Status::Online.effective(machine.last_seen, now);
            }
            "approve_machine"
        }
        AdminAction::SetTags(tags) => {
            machine.tags.clone_from(tags);
            "set_machine_tags"
        }
        AdminAction::Delete => "delete_machine",
    };
    if *admin_action == AdminAction::Delete {
        machines::delete(tx, &machine, now)?;
    } else {
        machines::update(tx, &before, &machine)?;
    }
    let entry = AuditEntry {
        org_id,
        actor: &actor.label,
        action,
        target: &machine.id,
        details: json!({ "name": machine.name }),
    };
    audit::record(tx, entry, random, now)?;
    Ok(Some(machine))
}
