//! Ephemeral machines go away once they have been silent for half an hour (`generate/ST2.2`).

use std::time::Duration;

use serde_json::json;

use super::audit::{self, Deed};
use super::{Clock, Random};
use crate::domain::Timestamp;
use crate::domain::machine::REAPED_AFTER;
use crate::store::{Store, StoreError, machines};

/// How many go in one transaction, so that others may write in between.
const BATCH: i64 = 100;
/// How long to wait after the store failed.
const RETRY: Duration = Duration::from_secs(1);

/// Removes every ephemeral machine that is due at `now`; answers how many.
pub async fn due(store: &Store, now: Timestamp, random: &Random) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        let random = random.clone();
        let batch = store.write(move |tx| {
            let silent = machines::silent(tx, now.minus(REAPED_AFTER), BATCH)?;
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

/// Removes machines as they become due, until the task is dropped.
pub async fn forever(store: Store, clock: Clock, random: Random) {
    loop {
        let now = clock.now();
        let removed = due(&store, now, &random).await;
        let next = store.read(machines::longest_silence).await;
        match removed.and(next) {
            // A machine that is registered, heard of or released from now on cannot be due before half an hour.
            Ok(last_seen) => clock.wait_until(last_seen.unwrap_or(now).plus(REAPED_AFTER)).await,
            Err(StoreError::Stopped) => return,
            Err(error) => {
                tracing::error!(%error, "could not remove silent machines");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
