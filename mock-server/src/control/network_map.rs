//! A machine learns who its peers are, and waits for what changes.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Failure;
use super::heartbeat::holder;
use super::polls::Polls;
use crate::domain::Refusal;
use crate::domain::machine::Status;
use crate::domain::network_map::Peer;
use crate::store::machines::Machine;
use crate::store::{Store, Tx, network_map};

/// How often one who waits looks again: other replicas' changes are not told otherwise.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What a machine is told of its organisation's map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkMap {
    /// The version of the map that the machine has once it knows this.
    pub version: i64,
    /// Whether `peers` are all there are, and not only those that changed.
    pub full: bool,
    /// The machine itself.
    pub machine: Machine,
    /// Its peers, or those that changed.
    pub peers: Vec<Peer>,
    /// The ids of those that are its peers no more.
    pub removed: Vec<String>,
}

impl NetworkMap {
    /// Whether it says nothing that the machine did not know.
    pub const fn is_unchanged(&self) -> bool {
        !self.full && self.peers.is_empty() && self.removed.is_empty()
    }
}

/// What changed on the map of the token's holder since the version it knows; the whole map if it knows none, or one that
/// is too old or not of this database.
///
/// # Errors
/// 401 UNAUTHORIZED for a token that nobody holds; 403 QUARANTINED; 403 FORBIDDEN while an admin has yet to approve it.
pub fn look(tx: &mut Tx<'_>, token_hash: &str, since: i64) -> Result<NetworkMap, Failure> {
    let machine = holder(tx, token_hash)?;
    match machine.status {
        Status::Online | Status::Offline => {}
        Status::Pending => return Err(Refusal::Forbidden("The machine waits for an admin's approval").into()),
        Status::Quarantined => return Err(Refusal::Quarantined.into()),
    }
    let extent = network_map::extent(tx, &machine.org_id)?;
    let version = extent.version;
    let full = !extent.reaches_back_to(since);
    let (mut peers, mut removed) = (Vec::new(), Vec::new());
    if full {
        peers = network_map::peers(tx, &machine.org_id, &machine.id)?;
    } else if since < version {
        for change in network_map::changes(tx, &machine.org_id, &machine.id, since)? {
            match change.peer {
                Some(peer) => peers.push(peer),
                None => removed.push(change.id),
            }
        }
    }
    Ok(NetworkMap { version, full, machine, peers, removed })
}

/// As [`look`]; if nothing changed, waits until something does, until `wait` is over, until newer requests of the same
/// machine have taken its place, or until the server stops. Nothing of the store is held meanwhile.
pub async fn follow(
    (store, polls): (&Store, &Polls),
    token_hash: &str,
    since: i64,
    wait: Duration,
    mut stopping: watch::Receiver<bool>,
) -> Result<NetworkMap, Failure> {
    let end = Instant::now() + wait;
    let mut map = look_in(store, token_hash, since).await?;
    if !map.is_unchanged() {
        return Ok(map);
    }
    // Before the next look, so that no change falls between look and listening.
    let mut listener = store.listen(&map.machine.org_id);
    let mut held = polls.hold(&map.machine.id);
    loop {
        map = look_in(store, token_hash, map.version).await?;
        if !map.is_unchanged() || Instant::now() >= end {
            return Ok(map);
        }
        tokio::select! {
            () = listener.changed() => {}
            () = sleep_until(end.min(Instant::now() + LOOK_AGAIN)) => {}
            () = held.displaced() => return Ok(map),
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(map),
        }
    }
}

async fn look_in(store: &Store, token_hash: &str, since: i64) -> Result<NetworkMap, Failure> {
    let token_hash = token_hash.to_owned();
    store.read(move |tx| look(tx, &token_hash, since)).await
}
