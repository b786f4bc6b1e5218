//! The open connections of a listener, and which of them gives way to a new one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use super::activity::Activity;
use super::limits::Limits;
use crate::domain::cidr;
use crate::domain::throttle::network;

/// The part of a limit that gives way at once, so that a flood does not look for the oldest one each time.
const BATCH: usize = 32;

pub(super) struct Registry {
    limits: Arc<Limits>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last_number: u64,
    connections: HashMap<u64, Connection>,
    by_address: HashMap<IpAddr, usize>,
    /// At least the number of connections without a request: counting them takes a look at each.
    unproven: usize,
    /// Whether the log says that the limit is near.
    warned: bool,
}

struct Connection {
    address: IpAddr,
    activity: Arc<Activity>,
    task: Option<AbortHandle>,
}

/// A place for a connection, given up when dropped.
pub(super) struct Admission {
    registry: Arc<Registry>,
    number: u64,
}

impl Registry {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits: Arc::new(limits), open: Mutex::default() }
    }

    pub(super) fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// Gives a connection a place, for which others may have to give way; `None` if all are in use.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, activity: &Arc<Activity>) -> Option<Admission> {
        let limits = &self.limits;
        let limited = !cidr::contains(&limits.unlimited, address);
        let address = network(address);
        let mut open = self.lock();
        let of_address = open.by_address.get(&address).copied().unwrap_or(0);
        if limited && of_address >= limits.per_address {
            open.evict(limits.per_address, |connection| connection.address == address);
            if open.by_address.get(&address).is_some_and(|count| *count >= limits.per_address) {
                return None;
            }
        }
        if open.unproven >= limits.unproven {
            open.unproven = open.count_unproven();
            if open.unproven >= limits.unproven {
                open.evict(limits.unproven, |connection| !connection.activity.is_proven());
                open.unproven = open.count_unproven();
            }
        }
        if open.connections.len() >= limits.connections {
            open.evict(limits.connections, |_| true);
            if open.connections.len() >= limits.connections {
                return None;
            }
        }
        open.last_number += 1;
        open.unproven += 1;
        let number = open.last_number;
        *open.by_address.entry(address).or_default() += 1;
        open.connections.insert(number, Connection { address, activity: Arc::clone(activity), task: None });
        open.warn_when_near(limits.connections);
        Some(Admission { registry: Arc::clone(self), number })
    }

    /// Sets the task that serves an admitted connection.
    pub(super) fn started(&self, number: u64, task: AbortHandle) {
        if let Some(connection) = self.lock().connections.get_mut(&number) {
            connection.task = Some(task);
        }
    }

    /// Ends connections that are not in use, because descriptors are short.
    pub(super) fn make_room(&self) {
        self.lock().evict(self.limits.connections, |_| true);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().connections.len()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn count_unproven(&self) -> usize {
        self.connections.values().filter(|connection| !connection.activity.is_proven()).count()
    }

    /// Ends a part of the connections that are not in use: first those that never sent a request, and of these the oldest.
    fn evict(&mut self, limit: usize, eligible: impl Fn(&Connection) -> bool) {
        let mut waiting: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, connection)| eligible(connection))
            .filter_map(|(number, connection)| Some((connection.activity.rank()?, *number)))
            .collect();
        let number = (limit / BATCH).max(1).min(waiting.len());
        if number < waiting.len() {
            waiting.select_nth_unstable(number);
        }
        for (_, number) in waiting.into_iter().take(number) {
            if let Some(task) = self.remove(number).and_then(|connection| connection.task) {
                task.abort();
            }
        }
    }

    fn remove(&mut self, number: u64) -> Option<Connection> {
        let connection = self.connections.remove(&number)?;
        if let Some(count) = self.by_address.get_mut(&connection.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&connection.address);
            }
        }
        Some(connection)
    }

    fn warn_when_near(&mut self, limit: usize) {
        let open = self.connections.len();
        if !self.warned && open * 5 >= limit * 4 {
            tracing::warn!(
                open,
                limit,
                "the limit of open connections is near: raise the limit of open files (ulimit -n)"
            );
            self.warned = true;
        } else if open * 5 < limit * 3 {
            self.warned = false;
        }
    }
}

impl Admission {
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.registry.lock().remove(self.number);
    }
}
