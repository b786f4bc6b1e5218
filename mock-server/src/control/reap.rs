//! Ephemeral machines go away once they have been silent for half an hour (`generate/ST2.2`).

use serde_json::json;

use super::Random;
use super::audit::{self, Deed};
use crate::domain::Timestamp;
use crate::domain::machine::REAPED_AFTER;
use crate::store::{Store, StoreError, machines, silence};

/// How many go in one transaction, so that others may write in between.
const BATCH: i64 = 100;

/// Removes every ephemeral machine that is due at `now`; answers how many.
pub async fn due(store: &Store, now: Timestamp, random: &Random) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        let random = random.clone();
        let batch = store.write(move |tx| {
            let silent = silence::silent(tx, now.minus(REAPED_AFTER), BATCH)?;
            for machine in &silent {
                machines::delete(tx, machine, now)?;
                let deed = Deed {
                    org_id: &machine.org_id,
                    actor: "system",
                    action: "reap_machine",
                    target: &machine.id,
                    details: json!({ "name": machine.name }),
                };
                audit::record(tx, deed, &random, now)?;
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
