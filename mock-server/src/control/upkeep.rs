//! Time-driven maintenance: removes silent machines, marks silent ones offline, deletes old tombstones.

use std::time::Duration;

use super::device::EXPIRED_CODE_RETENTION;
use super::lease::Lease;
use super::{Clock, Random, reap};
use crate::domain::machine::{FORGOTTEN_AFTER, OFFLINE_AFTER, REAPED_AFTER};
use crate::domain::network_map::TOMBSTONE_LIFETIME;
use crate::domain::throttle::MAX_REMEMBERED;
use crate::domain::{CLOCK_TOLERANCE, Timestamp};
use crate::store::{
    Store, StoreError, Tx, device_codes, ended_sessions, machines, network_map, silence, wrong_guesses,
};

/// The number of rows changed per transaction, so that other writes can interleave.
const BATCH_SIZE: i64 = 100;
/// How often a replica renews its lease, or looks at that of another.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(2);
/// The pause after a failure of the store.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Does everything that is due at `now` and returns the number of removed machines.
pub async fn due(store: &Store, now: Timestamp, random: &Random) -> Result<usize, StoreError> {
    let removed = reap::reap(store, now, random).await?;
    while store.write(move |tx| mark_offline(tx, now)).await? > 0 {}
    while store.write(move |tx| network_map::prune(tx, now.minus(TOMBSTONE_LIFETIME), BATCH_SIZE)).await? > 0
    {
    }
    // Until their tokens have expired by the clock of every replica.
    let ended = now.minus(CLOCK_TOLERANCE);
    while store.write(move |tx| ended_sessions::prune(tx, ended, BATCH_SIZE)).await? > 0 {}
    let expired = now.minus(EXPIRED_CODE_RETENTION);
    while store.write(move |tx| device_codes::prune(tx, expired, BATCH_SIZE)).await? > 0 {}
    while store.write(move |tx| wrong_guesses::prune(tx, now, MAX_REMEMBERED, BATCH_SIZE)).await? > 0 {}
    Ok(removed)
}

/// Does everything as it becomes due, until the store stops. Of several replicas, one does.
pub async fn run(store: Store, clock: Clock, random: Random) {
    let mut lease = Lease::default();
    let mut next = None;
    loop {
        match turn(&store, &clock, &random, &mut lease, next).await {
            Ok(Some(due)) => {
                next = Some(due);
                tokio::select! {
                    () = clock.wait_until(due) => {}
                    () = tokio::time::sleep(RENEWAL_INTERVAL), if store.is_shared() => {}
                }
            }
            Ok(None) => {
                next = None;
                tokio::time::sleep(RENEWAL_INTERVAL).await;
            }
            Err(StoreError::Stopped) => return,
            Err(error) => {
                tracing::error!(%error, "maintenance failed");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }
}

/// Does what is due, and returns when something is due again; `None` if another replica does the upkeep.
async fn turn(
    store: &Store,
    clock: &Clock,
    random: &Random,
    lease: &mut Lease,
    next: Option<Timestamp>,
) -> Result<Option<Timestamp>, StoreError> {
    let now = clock.now();
    if !lease.hold(store, random, now).await? {
        return Ok(None);
    }
    if let Some(next) = next.filter(|next| now < *next) {
        return Ok(Some(next));
    }
    due(store, now, random).await?;
    store.read(move |tx| next_due(tx, now)).await.map(Some)
}

/// Marks silent machines as offline for their peers and returns their number.
fn mark_offline(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let silent = silence::silent_online(tx, now.minus(OFFLINE_AFTER), BATCH_SIZE)?;
    for before in &silent {
        let mut machine = before.clone();
        machine.status = machine.status.after_heartbeat(false);
        machines::update(tx, before, &machine)?;
    }
    Ok(silent.len())
}

/// Returns when something is due next. No later heartbeat, registration or release can make this earlier.
fn next_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<Timestamp, StoreError> {
    let reap = silence::oldest_ephemeral(tx)?.unwrap_or(now).plus(REAPED_AFTER);
    let mark_offline = silence::oldest_online(tx)?.unwrap_or(now).plus(OFFLINE_AFTER);
    let forget = silence::oldest_pending(tx)?.unwrap_or(now).plus(FORGOTTEN_AFTER);
    Ok(reap.min(mark_offline).min(forget))
}
