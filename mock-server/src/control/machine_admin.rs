//! What an admin does to one machine (`issuing/disconnect.1`).

use serde_json::json;

use super::access::Actor;
use super::audit::{self, Deed};
use super::{Failure, Random};
use crate::domain::machine::Status;
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::{self, Machine};
use crate::store::{StoreError, Tx};

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Cuts it off until it is released.
    Quarantine,
    /// Ends a quarantine; the next heartbeat brings it online.
    Release,
    /// Removes it; its name is free again, its key's count stays.
    Delete,
    /// Lets a member's machine in.
    Approve,
    /// Replaces its tags, normalised.
    SetTags(Vec<String>),
}

/// Takes the measure and answers the machine as it then is, or last was.
pub fn take(
    tx: &mut Tx<'_>,
    actor: &Actor,
    org_id: &str,
    machine_id: &str,
    measure: &Measure,
    random: &Random,
    now: Timestamp,
) -> Result<Machine, Failure> {
    let found: Result<_, StoreError> = machines::find(tx, org_id, machine_id);
    let before = found?.ok_or(Refusal::NotFound("Machine"))?;
    let mut machine = before.clone();
    let action = match measure {
        Measure::Quarantine => {
            machine.status = Status::Quarantined;
            "quarantine_machine"
        }
        Measure::Release => {
            if machine.status == Status::Quarantined {
                machine.status = Status::Offline;
                // Its heartbeats were refused: an ephemeral one gets its half hour to be heard again.
                machine.last_seen = now;
            }
            "release_machine"
        }
        Measure::Approve => {
            if machine.status == Status::Pending {
                machine.status = Status::Online.seen(machine.last_seen, now);
            }
            "approve_machine"
        }
        Measure::SetTags(tags) => {
            machine.tags.clone_from(tags);
            "set_machine_tags"
        }
        Measure::Delete => "delete_machine",
    };
    if *measure == Measure::Delete {
        machines::delete(tx, &machine, now)?;
    } else {
        machines::update(tx, &before, &machine)?;
    }
    let deed = Deed {
        org_id,
        actor: &actor.label,
        action,
        target: &machine.id,
        details: json!({ "name": machine.name }),
    };
    audit::record(tx, deed, random, now)?;
    Ok(machine)
}
