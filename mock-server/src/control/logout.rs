//! Logs machines out. Ephemeral machines are deleted; others can register again.

use serde_json::json;
use ztna_protocol::machine_token::TokenReference;

use super::audit::{self, AuditEntry};
use super::heartbeat::find_by_token;
use super::{ControlError, Draws};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::store::{Tx, machines};

/// Invalidates the machine's token; returns whether the machine was deleted as well.
pub fn logout(
    tx: &mut Tx<'_>,
    token: &TokenReference,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<bool, ControlError> {
    let before = find_by_token(tx, token)?;
    let mut machine = before.clone();
    // A quarantined machine must not escape by logging out: its name would become available.
    let removed = machine.ephemeral && machine.status != Status::Quarantined;
    if removed {
        machines::delete(tx, &machine, now)?;
    } else {
        machine.status = machine.status.after_heartbeat(false);
        machine.last_seen = now;
        machine.endpoints.clear();
        machine.relay = None;
        machine.logged_in = false;
        machines::update(tx, &before, &machine)?;
    }
    let entry = AuditEntry {
        org_id: &machine.org_id,
        actor: &format!("machine:{}", machine.id),
        action: "machine_logout",
        target: &machine.id,
        details: json!({ "name": machine.name, "removed": removed }),
    };
    audit::record(tx, entry, random, now)?;
    Ok(removed)
}
