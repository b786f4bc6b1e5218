//! What time alone brings about: ephemeral machines go, silent ones are offline to their peers, old removals are forgotten.

use std::time::Duration;

use super::{Clock, Random, reap};
use crate::domain::Timestamp;
use crate::domain::machine::{OFFLINE_AFTER, REAPED_AFTER};
use crate::domain::network_map::REMOVALS_KEPT;
use crate::store::{Store, StoreError, Tx, machines, network_map, silence};

/// How much is done in one transaction, so that others may write in between.
const BATCH: i64 = 100;
/// How long to wait after the store failed.
const RETRY: Duration = Duration::from_secs(1);

/// Does everything that is due at `now`; answers how many machines were removed.
pub async fn due(store: &Store, now: Timestamp, random: &Random) -> Result<usize, StoreError> {
    let removed = reap::due(store, now, random).await?;
    while store.write(move |tx| miss(tx, now)).await? > 0 {}
    while store.write(move |tx| network_map::prune(tx, now.minus(REMOVALS_KEPT), BATCH)).await? > 0 {}
    Ok(removed)
}

/// Does what becomes due, when it does, until the task is dropped.
pub async fn forever(store: Store, clock: Clock, random: Random) {
    loop {
        let now = clock.now();
        let done = due(&store, now, &random).await;
        let next = store.read(move |tx| next(tx, now)).await;
        match done.and(next) {
            Ok(next) => clock.wait_until(next).await,
            Err(StoreError::Stopped) => return,
            Err(error) => {
                tracing::error!(%error, "could not do what is due");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Tells the peers of machines that are not heard of any more; answers of how many.
fn miss(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let missed = silence::missed(tx, now.minus(OFFLINE_AFTER), BATCH)?;
    for before in &missed {
        let mut machine = before.clone();
        machine.status = machine.status.heard(false);
        machines::update(tx, before, &machine)?;
    }
    Ok(missed.len())
}

/// When something is due next: a machine that is registered, heard of or released from now on cannot be before.
fn next(tx: &mut Tx<'_>, now: Timestamp) -> Result<Timestamp, StoreError> {
    let reaped = silence::longest_silence(tx)?.unwrap_or(now).plus(REAPED_AFTER);
    let missed = silence::longest_missed(tx)?.unwrap_or(now).plus(OFFLINE_AFTER);
    Ok(reaped.min(missed))
}
