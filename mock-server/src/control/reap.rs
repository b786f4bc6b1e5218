//! Removes ephemeral machines after half an hour without a heartbeat (`generate/ST2.2`).

use serde_json::json;

use super::Random;
use super::audit::{self, AuditEntry};
use crate::domain::Timestamp;
use crate::domain::machine::REAPED_AFTER;
use crate::store::{Store, StoreError, machines, silence};

/// The number of machines removed per transaction, so that other writes can interleave.
const BATCH_SIZE: i64 = 100;

/// Removes all ephemeral machines that are due at `now` and returns their number.
pub async fn reap(store: &Store, now: Timestamp, random: &Random) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        let random = random.clone();
        let batch = store.write(move |tx| {
            let silent = silence::silent_ephemeral(tx, now.minus(REAPED_AFTER), BATCH_SIZE)?;
            for machine in &silent {
                machines::delete(tx, machine, now)?;
                let entry = AuditEntry {
                    org_id: &machine.org_id,
                    actor: "system",
                    action: "reap_machine",
                    target: &machine.id,
                    details: json!({ "name": machine.name }),
                };
                audit::record(tx, entry, &random, now)?;
            }
            Ok::<_, StoreError>(silent.len())
        });
        let batch = batch.await?;
        removed += batch;
        if batch == 0 {
            return Ok(removed);
        }
        tracing::info!(machines = batch, "removed silent ephemeral machines");
    }
}
