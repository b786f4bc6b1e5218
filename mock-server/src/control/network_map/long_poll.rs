//! A machine's request for its map, which may wait for a change.

use std::sync::Arc;
use std::time::Duration;
use ztna_protocol::machine_token::TokenReference;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::cache::MapCache;
use super::changes::MapChanges;
use super::reading::{Admitted, Update};
use super::watch::{MapWatches, News};
use crate::control::polls::LongPolls;
use crate::control::{Clock, ControlError};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::domain::network_map::VersionRange;
use crate::store::Store;
use crate::store::machines::Machine;

/// A machine's view of its organisation's map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkMap {
    /// The version that the machine has after applying this.
    pub version: i64,
    /// Whether the changes contain all peers instead of only changed ones.
    pub full: bool,
    pub own: Own,
    /// Those of all machines, this one included.
    pub changes: Arc<MapChanges>,
}

/// What the map says of the machine that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    pub id: String,
    pub name: String,
    pub tailnet_ip: String,
    /// Without the prefix `tag:`.
    pub tags: Vec<String>,
    /// As effective when the machine was last read.
    pub status: Status,
}

/// What a machine asks for.
#[derive(Debug)]
pub struct MapRequest {
    /// The version that the machine has.
    pub since: i64,
    /// How long it waits for a change.
    pub wait: Duration,
    /// Whether the machine applies access rules. One that does not has no peers while there are any: it would accept
    /// what the rules deny.
    pub applies_rules: bool,
}

/// Dependencies of a long poll.
pub struct LongPoll {
    pub store: Store,
    pub clock: Clock,
    pub polls: LongPolls,
    pub maps: MapCache,
    pub watches: MapWatches,
    /// How often to look at the database without being notified.
    pub interval: Duration,
    /// Turns true when the server stops.
    pub stopping: watch::Receiver<bool>,
}

/// A request that was admitted.
pub(super) enum Begun {
    Answered(NetworkMap),
    /// Nothing has changed. Boxed, because a future has room for each variable that holds it.
    Waits(Box<WaitingPoll>),
}

/// A request that waits for a change. Thousands of them wait at a time.
pub(super) struct WaitingPoll {
    poll: LongPoll,
    token: TokenReference,
    org_id: String,
    own: Own,
    /// The version that the machine has.
    known: i64,
    /// The version up to which it is known to be admitted, at least `known`.
    admitted: i64,
    applies_rules: bool,
    /// Whether the machine has been told all that is known of it.
    waits: bool,
    end: Instant,
}

impl LongPoll {
    /// Returns the changes to the map of the token's machine since a version, or the whole map if the version is 0, too old
    /// or from another database. If there are none, waits for some until `wait` has passed, newer requests of the same
    /// machine displace this one, or the server stops.
    ///
    /// # Errors
    /// 401 UNAUTHORIZED for an unknown token; 403 QUARANTINED; 403 FORBIDDEN while the machine awaits approval.
    pub async fn run(self, token: TokenReference, request: MapRequest) -> Result<NetworkMap, ControlError> {
        // Boxed, so that those that wait do not have its size.
        match Box::pin(self.begin(token, request)).await? {
            Begun::Answered(map) => Ok(map),
            Begun::Waits(mut waiting) => waiting.run().await,
        }
    }

    pub(super) async fn begin(
        self,
        token: TokenReference,
        request: MapRequest,
    ) -> Result<Begun, ControlError> {
        let admitted = self.maps.admit(&self.store, &token).await?;
        self.begin_admitted(admitted, token, request).await
    }

    /// Answers a machine that was read, or lets it wait.
    pub(super) async fn begin_admitted(
        self,
        admitted: Admitted,
        token: TokenReference,
        request: MapRequest,
    ) -> Result<Begun, ControlError> {
        let MapRequest { since, wait, applies_rules } = request;
        let end = Instant::now() + wait;
        let Admitted { machine, range } = admitted;
        let now = self.clock.now();
        let mut waiting = WaitingPoll {
            org_id: machine.org_id.clone(),
            own: Own::of(machine, now),
            known: reachable(range, since),
            admitted: range.version,
            applies_rules,
            waits: false,
            poll: self,
            token,
            end,
        };
        if waiting.known != range.version
            && let Some(map) = waiting.advance(range.version).await?
        {
            return Ok(Begun::Answered(map));
        }
        Ok(if wait.is_zero() {
            Begun::Answered(waiting.unchanged())
        } else {
            waiting.waits = true;
            Begun::Waits(Box::new(waiting))
        })
    }
}

impl WaitingPoll {
    /// Holds no transaction while waiting, and reads the store only if the machine itself has changed.
    pub(super) async fn run(&mut self) -> Result<NetworkMap, ControlError> {
        let LongPoll { store, maps, watches, polls, interval, .. } = &self.poll;
        let mut news = watches.subscribe(store, maps, &self.org_id, self.known, *interval);
        let mut displaced = polls.add(&self.own.id);
        let mut stopping = self.poll.stopping.clone();
        loop {
            let heard = tokio::select! {
                heard = news.beyond(self.known) => heard,
                () = sleep_until(self.end) => break,
                () = displaced.displaced() => break,
                _ = stopping.wait_for(|stopping| *stopping) => break,
            };
            if let Some(map) = Box::pin(self.heard(heard)).await? {
                return Ok(map);
            }
        }
        if news.has_failed() {
            // Says why it is not known whether something has changed.
            Box::pin(self.admit()).await?;
        }
        Ok(self.unchanged())
    }

    async fn heard(&mut self, news: News) -> Result<Option<NetworkMap>, ControlError> {
        let version = match news {
            News::Version(version) => version,
            News::Reset => {
                let range = self.admit().await?;
                self.known = reachable(range, self.known);
                if self.known == range.version {
                    return Ok(None);
                }
                range.version
            }
        };
        self.advance(version).await
    }

    /// Moves on to the version or a newer one; returns the map if it has changed for the machine.
    async fn advance(&mut self, version: i64) -> Result<Option<NetworkMap>, ControlError> {
        let LongPoll { store, maps, .. } = &self.poll;
        let update = maps.update(store, &self.org_id, self.known, version).await?;
        let Update { version, full, restricted, changes } = match self.applies_rules {
            // It has no peers from while there were rules.
            false if !update.restricted && update.changes.rules().is_some() => {
                maps.update(store, &self.org_id, 0, update.version).await?
            }
            _ => update,
        };
        let mut changed = full || !changes.is_empty_for(&self.own.id);
        // A machine that was quarantined, removed, or registered anew since it was admitted is among the changes, or not
        // in the whole map.
        let mentioned = changes.mention(&self.own.id);
        if version > self.admitted && (full || mentioned) {
            let tags = self.own.tags.clone();
            self.admit().await?;
            changed |= self.own.tags != tags || mentioned && !self.waits;
        } else {
            // Its tags may have changed since it asked before.
            changed |= mentioned;
        }
        self.known = version;
        self.admitted = self.admitted.max(version);
        let own = self.own.clone();
        Ok(match restricted && !self.applies_rules {
            true => Some(NetworkMap { version, full: true, own, changes: Arc::default() }),
            false => changed.then_some(NetworkMap { version, full, own, changes }),
        })
    }

    async fn admit(&mut self) -> Result<VersionRange, ControlError> {
        let Admitted { machine, range } = self.poll.maps.admit(&self.poll.store, &self.token).await?;
        self.own = Own::of(machine, self.poll.clock.now());
        self.admitted = range.version;
        Ok(range)
    }

    fn unchanged(&self) -> NetworkMap {
        NetworkMap { version: self.known, full: false, own: self.own.clone(), changes: Arc::default() }
    }
}

impl Own {
    fn of(machine: Machine, now: Timestamp) -> Self {
        let status = machine.status.effective(machine.last_seen, now);
        let Machine { id, name, tailnet_ip, tags, .. } = machine;
        Self { id, name, tailnet_ip, tags, status }
    }
}

/// Returns the version if all changes since are known, or else 0.
fn reachable(range: VersionRange, since: i64) -> i64 {
    if range.reaches_back_to(since) { since } else { 0 }
}
