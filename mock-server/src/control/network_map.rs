//! Delivers the network map to machines, with long polling for changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::ControlError;
use super::heartbeat::find_by_token;
use super::map_changes::{Key, MapCache, MapChanges};
use super::polls::LongPolls;
use crate::domain::Refusal;
use crate::domain::machine::Status;
use crate::store::machines::Machine;
use crate::store::{Store, Tx, network_map};

/// The usual interval at which a long poll reads the database again, because notifications do not cross replicas.
pub const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A machine's view of its organisation's map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkMap {
    /// The version that the machine has after applying this.
    pub version: i64,
    /// Whether the changes contain all peers instead of only changed ones.
    pub full: bool,
    pub machine: Machine,
    /// Those of all machines, this one included.
    pub changes: Arc<MapChanges>,
}

impl NetworkMap {
    pub fn is_unchanged(&self) -> bool {
        !self.full && self.changes.is_empty_for(&self.machine.id)
    }

    fn key(&self, since: i64) -> Key {
        Key {
            org_id: self.machine.org_id.clone(),
            since: (!self.full).then_some(since),
            version: self.version,
        }
    }
}

/// Dependencies of a long poll.
pub struct LongPoll<'a> {
    pub store: &'a Store,
    pub polls: &'a LongPolls,
    pub cache: &'a MapCache,
    /// How often to read the database again without being notified.
    pub interval: Duration,
    /// Turns true when the server stops.
    pub stopping: watch::Receiver<bool>,
}

/// Returns the changes to the map of the token's machine since a version, or the whole map if the version is 0, too old
/// or from another database.
///
/// # Errors
/// 401 UNAUTHORIZED for an unknown token; 403 QUARANTINED; 403 FORBIDDEN while the machine awaits approval.
pub fn read(
    tx: &mut Tx<'_>,
    cache: &MapCache,
    token_hash: &str,
    since: i64,
) -> Result<NetworkMap, ControlError> {
    let machine = find_by_token(tx, token_hash)?;
    match machine.status {
        Status::Online | Status::Offline => {}
        Status::Pending => return Err(Refusal::Forbidden("The machine awaits an admin's approval").into()),
        Status::Quarantined => return Err(Refusal::Quarantined.into()),
    }
    let range = network_map::version_range(tx, &machine.org_id)?;
    let version = range.version;
    let full = !range.reaches_back_to(since);
    let mut map = NetworkMap { version, full, machine, changes: Arc::default() };
    if !full && since >= version {
        return Ok(map);
    }
    map.changes = match cache.get(&map.key(since)) {
        Some(changes) => changes,
        None => {
            let org_id = &map.machine.org_id;
            let changes = match full {
                true => network_map::peers(tx, org_id)?,
                false => network_map::changes(tx, org_id, since)?,
            };
            Arc::new(MapChanges::new(changes))
        }
    };
    Ok(map)
}

impl LongPoll<'_> {
    /// As [`read`], but waits for a change if there is none, until `wait` has passed, newer requests of the same machine
    /// displace this one, or the server stops. Holds no transaction while waiting.
    pub async fn run(
        mut self,
        token_hash: &str,
        since: i64,
        wait: Duration,
    ) -> Result<NetworkMap, ControlError> {
        let end = Instant::now() + wait;
        let mut map = self.read(token_hash, since).await?;
        if !map.is_unchanged() {
            return Ok(map);
        }
        // Listen before the next read, so that no change is missed in between.
        let mut listener = self.store.listen(&map.machine.org_id);
        let mut poll = self.polls.add(&map.machine.id);
        loop {
            map = self.read(token_hash, map.version).await?;
            if !map.is_unchanged() || Instant::now() >= end {
                return Ok(map);
            }
            tokio::select! {
            () = listener.changed() => {}
            () = sleep_until(end.min(Instant::now() + self.interval)) => {}
            () = poll.displaced() => return Ok(map),
            _ = self.stopping.wait_for(|stopping| *stopping) => return Ok(map),
            }
        }
    }

    async fn read(&self, token_hash: &str, since: i64) -> Result<NetworkMap, ControlError> {
        let (token_hash, cache) = (token_hash.to_owned(), self.cache.clone());
        let map = self.store.read(move |tx| read(tx, &cache, &token_hash, since)).await?;
        // Not within the transaction, which might not be committed.
        if map.full || since < map.version {
            self.cache.keep(map.key(since), &map.changes);
        }
        Ok(map)
    }
}
