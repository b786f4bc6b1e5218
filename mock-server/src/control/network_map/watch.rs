//! Looks for new versions of organisations' maps, once for all machines that wait for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::cache::MapCache;
use crate::store::{Listener, Store};

/// The usual interval at which the database is read again without being notified, because other replicas' notifications
/// can be lost.
pub const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The organisations whose machines wait for changes. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MapWatches(Arc<Mutex<HashMap<Arc<str>, Watch>>>);

/// A task that reads an organisation's version.
#[derive(Debug)]
struct Watch {
    seen: watch::Sender<Seen>,
    subscribers: usize,
    task: AbortHandle,
}

/// What was last seen of an organisation's map.
#[derive(Debug, Clone, Copy)]
struct Seen {
    version: i64,
    /// How often the version fell, as when an older database was restored.
    resets: u32,
    /// Whether the database could not be read since.
    failed: bool,
}

/// What a subscriber hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// At least this version was committed.
    Version(i64),
    /// The version fell: what the machine has is of another history.
    Reset,
}

/// A machine's view of its organisation's watch, which ends with the last of them.
#[derive(Debug)]
pub(super) struct Subscription {
    org_id: Arc<str>,
    seen: watch::Receiver<Seen>,
    resets: u32,
    watches: MapWatches,
}

impl MapWatches {
    /// Subscribes to versions above one that the caller has read from the store.
    pub(super) fn subscribe(
        &self,
        store: &Store,
        cache: &MapCache,
        org_id: &str,
        version: i64,
        interval: Duration,
    ) -> Subscription {
        let mut watches = self.lock();
        let (org_id, seen) = match watches.get_key_value(org_id) {
            Some((org_id, watch)) => (Arc::clone(org_id), watch.seen.subscribe()),
            None => {
                let org_id: Arc<str> = org_id.into();
                let (sender, seen) = watch::channel(Seen { version, resets: 0, failed: false });
                // Listens before its first look, so that it misses no change since `version`.
                let looking = look(
                    store.listen(&org_id),
                    store.clone(),
                    cache.clone(),
                    Arc::clone(&org_id),
                    interval,
                    sender.clone(),
                );
                let task = tokio::spawn(looking).abort_handle();
                watches.insert(Arc::clone(&org_id), Watch { seen: sender, subscribers: 0, task });
                (org_id, seen)
            }
        };
        if let Some(watch) = watches.get_mut(&org_id) {
            watch.subscribers += 1;
        }
        let resets = seen.borrow().resets;
        Subscription { org_id, seen, resets, watches: self.clone() }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Watch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// Waits for a version above this one.
    pub(super) async fn beyond(&mut self, version: i64) -> News {
        let resets = self.resets;
        let news = self.seen.wait_for(|seen| seen.version > version || seen.resets != resets).await;
        let Ok(seen) = news.map(|seen| *seen) else {
            // Unreachable: the sender outlives its subscribers.
            return std::future::pending().await;
        };
        if seen.resets != resets {
            self.resets = seen.resets;
            return News::Reset;
        }
        News::Version(seen.version)
    }

    /// Whether the last look at the database failed.
    pub(super) fn has_failed(&self) -> bool {
        self.seen.borrow().failed
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut watches = self.watches.lock();
        if let Some(watch) = watches.get_mut(&self.org_id) {
            watch.subscribers -= 1;
            if watch.subscribers == 0 {
                watch.task.abort();
                watches.remove(&self.org_id);
            }
        }
    }
}

async fn look(
    mut changes: Listener,
    store: Store,
    cache: MapCache,
    org_id: Arc<str>,
    interval: Duration,
    seen: watch::Sender<Seen>,
) {
    loop {
        let known = seen.borrow().version;
        match cache.news(&store, &org_id, known).await {
            Ok(version) => {
                seen.send_if_modified(|seen| seen.found(version));
            }
            Err(error) => {
                // Those that wait learn it when their time is over, and not all at once.
                tracing::debug!(%error, org_id = &*org_id, "cannot look for changes of the network map");
                seen.send_if_modified(Seen::failed);
            }
        }
        tokio::select! {
            () = changes.changed() => {}
            () = tokio::time::sleep(interval) => {}
        }
    }
}

impl Seen {
    /// Returns whether that is news.
    fn found(&mut self, version: i64) -> bool {
        let before = std::mem::replace(&mut self.version, version);
        self.failed = false;
        self.resets += u32::from(version < before);
        version != before
    }

    /// Returns whether that is news: no.
    fn failed(&mut self) -> bool {
        self.failed = true;
        false
    }
}
