//! The maps of this process: each is read and serialised once, also for machines that ask before that is done.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use ztna_protocol::machine_token::TokenReference;

use tokio::sync::Mutex as AsyncMutex;

use super::reading::{self, Admitted, Update};
use crate::control::ControlError;
use crate::store::{Store, StoreError, Tx};

/// The memory of the maps that are kept for further machines.
const MAX_KEPT_LEN: usize = 64 << 20;
const MAX_KEPT: usize = 256;

/// Maps that were read a moment ago. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MapCache(Arc<Shared>);

/// What maps have cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Transactions of the store.
    pub reads: u64,
    /// Maps and changes that were serialised.
    pub serialised: u64,
}

#[derive(Debug, Default)]
struct Shared {
    /// Newest last.
    kept: Mutex<VecDeque<Kept>>,
    /// Held by those that read what others wait for.
    turns: Mutex<HashMap<Asked, Weak<AsyncMutex<()>>>>,
    reads: AtomicU64,
    serialised: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    asked: Asked,
    update: Update,
}

/// An organisation, and the version since which its changes are asked for; 0 for the whole map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    org_id: String,
    since: i64,
}

impl MapCache {
    /// Returns what maps have cost so far, for measurements.
    pub fn work(&self) -> Work {
        let [reads, serialised] =
            [&self.0.reads, &self.0.serialised].map(|count| count.load(Ordering::Relaxed));
        Work { reads, serialised }
    }

    /// Looks a machine up by its token.
    pub(super) async fn admit(
        &self,
        store: &Store,
        token: &TokenReference,
    ) -> Result<Admitted, ControlError> {
        let token = token.clone();
        self.read(store, move |tx| reading::admit(tx, &token)).await
    }

    /// Returns the changes since a version up to `at_least` that one.
    pub(super) async fn update(
        &self,
        store: &Store,
        org_id: &str,
        since: i64,
        at_least: i64,
    ) -> Result<Update, StoreError> {
        let asked = Asked { org_id: org_id.to_owned(), since };
        if let Some(update) = self.kept(&asked, at_least) {
            return Ok(update);
        }
        // Whoever asks meanwhile waits here, and then finds what was kept.
        let turn = self.turn(&asked);
        let _turn = turn.lock().await;
        if let Some(update) = self.kept(&asked, at_least) {
            return Ok(update);
        }
        let org_id = org_id.to_owned();
        let update = self.read(store, move |tx| reading::update(tx, &org_id, since)).await?;
        self.keep(asked, &update);
        Ok(update)
    }

    /// Returns the current version, and keeps the changes since an earlier one.
    pub(super) async fn news(&self, store: &Store, org_id: &str, since: i64) -> Result<i64, StoreError> {
        let org = org_id.to_owned();
        let (range, update) = self.read(store, move |tx| reading::news(tx, &org, since)).await?;
        if let Some(update) = update {
            self.keep(Asked { org_id: org_id.to_owned(), since }, &update);
        }
        if range.version < since {
            self.forget(org_id);
        }
        Ok(range.version)
    }

    /// Drops the maps of an organisation whose version fell, which belong to another history.
    fn forget(&self, org_id: &str) {
        lock(&self.0.kept).retain(|kept| kept.asked.org_id != org_id);
    }

    async fn read<T, E>(
        &self,
        store: &Store,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let read = store.read(job).await;
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        read
    }

    fn kept(&self, asked: &Asked, at_least: i64) -> Option<Update> {
        let kept = lock(&self.0.kept);
        let found = kept.iter().rev().find(|kept| kept.asked == *asked && kept.update.version >= at_least);
        found.map(|kept| kept.update.clone())
    }

    /// Keeps an update that was read; whoever asks from now on gets that version or a newer one.
    fn keep(&self, asked: Asked, update: &Update) {
        self.0.serialised.fetch_add(1, Ordering::Relaxed);
        let asked = Asked { since: if update.full { 0 } else { asked.since }, ..asked };
        let version = update.version;
        let mut kept = lock(&self.0.kept);
        kept.retain(|other| {
            let replaced = other.asked == asked && other.update.version <= version;
            other.asked.org_id != asked.org_id || (other.update.version >= version && !replaced)
        });
        kept.push_back(Kept { asked, update: update.clone() });
        let mut total: usize = kept.iter().map(|kept| kept.update.changes.len()).sum();
        while total > MAX_KEPT_LEN || kept.len() > MAX_KEPT {
            let Some(oldest) = kept.pop_front() else { break };
            total -= oldest.update.changes.len();
        }
    }

    fn turn(&self, asked: &Asked) -> Arc<AsyncMutex<()>> {
        let mut turns = lock(&self.0.turns);
        if let Some(turn) = turns.get(asked).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(asked.clone(), Arc::downgrade(&turn));
        turn
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::changes::MapChanges;
    use super::*;
    use crate::store::network_map::Change;

    fn asked(org: usize, since: i64) -> Asked {
        Asked { org_id: org.to_string(), since }
    }

    fn update(version: i64, id: &str) -> Update {
        let changes = Arc::new(MapChanges::new(vec![Change { id: id.to_owned(), peer: None }], None));
        Update { version, full: false, restricted: false, changes }
    }

    #[test]
    fn kept_maps_are_current_and_bounded() {
        let cache = MapCache::default();
        cache.keep(asked(0, 0), &update(1, "a"));
        let newer = update(2, "a");
        cache.keep(asked(0, 1), &newer);
        assert!(cache.kept(&asked(0, 0), 1).is_none(), "an older version");
        assert!(Arc::ptr_eq(&cache.kept(&asked(0, 1), 1).unwrap().changes, &newer.changes));
        assert!(cache.kept(&asked(0, 1), 3).is_none(), "older than asked for");
        assert!(cache.kept(&asked(0, 0), 2).is_none() && cache.kept(&asked(1, 1), 2).is_none());
        for org in 0..1000 {
            cache.keep(asked(org, 0), &update(3, "a"));
        }
        assert_eq!(lock(&cache.0.kept).len(), MAX_KEPT);
        let large = update(4, &"l".repeat(5 << 20));
        for org in 0..40 {
            cache.keep(asked(org, 0), &large);
        }
        let total: usize = lock(&cache.0.kept).iter().map(|kept| kept.update.changes.len()).sum();
        assert!(total <= MAX_KEPT_LEN, "{total}");
    }

    #[test]
    fn a_whole_map_is_kept_as_such_whatever_was_asked_for() {
        let cache = MapCache::default();
        cache.keep(asked(0, 7), &Update { full: true, ..update(9, "a") });
        assert!(cache.kept(&asked(0, 7), 9).is_none());
        assert!(cache.kept(&asked(0, 0), 9).is_some_and(|update| update.full));
    }

    #[test]
    fn turns_are_forgotten() {
        let cache = MapCache::default();
        let turn = cache.turn(&asked(0, 1));
        assert!(Arc::ptr_eq(&turn, &cache.turn(&asked(0, 1))));
        drop(turn);
        drop(cache.turn(&asked(0, 2)));
        assert_eq!(lock(&cache.0.turns).len(), 1);
    }
}
