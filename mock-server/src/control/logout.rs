//! A machine leaves: an ephemeral one for good, another until it registers again.

use serde_json::json;

use super::audit::{self, Deed};
use super::heartbeat::holder;
use super::{Failure, Random};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::store::{Tx, machines};

/// Voids the machine's token; answers whether the machine itself is gone too.
pub fn logout(tx: &mut Tx<'_>, token_hash: &str, random: &Random, now: Timestamp) -> Result<bool, Failure> {
    let before = holder(tx, token_hash)?;
    let mut machine = before.clone();
    // Leaving must not be a way out of quarantine: the name would be free again.
    let removed = machine.ephemeral && machine.status != Status::Quarantined;
    if removed {
        machines::delete(tx, &machine, now)?;
    } else {
        machine.status = machine.status.heard(false);
        machine.last_seen = now;
        machine.endpoints.clear();
        machine.relay = None;
        machine.logged_in = false;
        machines::update(tx, &before, &machine)?;
    }
    let deed = Deed {
        org_id: &machine.org_id,
        actor: &format!("machine:{}", machine.id),
        action: "machine_logout",
        target: &machine.id,
        details: json!({ "name": machine.name, "removed": removed }),
    };
    audit::record(tx, deed, random, now)?;
    Ok(removed)
}
