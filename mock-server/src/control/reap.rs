//! Removes machines that are silent: ephemeral ones after half an hour (`generate/ST2.2`), those that await approval after
//! a week.

use serde_json::json;

use super::audit::{self, AuditEntry};
use super::{Draws, Random};
use crate::domain::Timestamp;
use crate::domain::machine::{FORGOTTEN_AFTER, REAPED_AFTER};
use crate::store::machines::Machine;
use crate::store::{Store, StoreError, Tx, machines, silence};

/// The number of machines removed per transaction, so that other writes can interleave.
const BATCH_SIZE: i64 = 100;

/// Removes all machines that are due at `now` and returns their number.
pub async fn reap(store: &Store, now: Timestamp, random: &Random) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        let random = random.repeatable();
        let batch = store.write(move |tx| {
            let random = random.draws();
            let silent = silence::silent_ephemeral(tx, now.minus(REAPED_AFTER), BATCH_SIZE)?;
            let forgotten = silence::silent_pending(tx, now.minus(FORGOTTEN_AFTER), BATCH_SIZE)?;
            for machine in &silent {
                remove(tx, machine, "reap_machine", &random, now)?;
            }
            for machine in &forgotten {
                remove(tx, machine, "forget_pending_machine", &random, now)?;
            }
            Ok::<_, StoreError>(silent.len() + forgotten.len())
        });
        let batch = batch.await?;
        removed += batch;
        if batch == 0 {
            return Ok(removed);
        }
        tracing::info!(machines = batch, "removed silent machines");
    }
}

fn remove(
    tx: &mut Tx<'_>,
    machine: &Machine,
    action: &'static str,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    machines::delete(tx, machine, now)?;
    let entry = AuditEntry {
        org_id: &machine.org_id,
        actor: "system",
        action,
        target: &machine.id,
        details: json!({ "name": machine.name }),
    };
    audit::record(tx, entry, random, now)
}
