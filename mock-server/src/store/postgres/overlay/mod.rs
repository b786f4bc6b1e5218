//! What the writer knows in advance of the rows that registrations touch, and what it has not written yet.
//!
//! The facts of all registrations of a batch are loaded at once, after the lock that excludes other writers, and their
//! changes are sent in one statement together with the commit: a batch is two or three round trips, however many
//! registrations it has. The store's functions ask here first, and here answers only what is known for certain. Any other
//! statement of the batch ([`super::Session`]) first sends what is deferred and then forgets the facts, so that no result
//! depends on what a job announced. A deferred statement that fails rolls the batch back, which then runs without this.

mod facts;
mod writes;

use tokio_postgres::{Client, Error};

use super::prepared::Prepared;
use crate::domain::Timestamp;
use crate::store::Value;
use crate::store::key_row::KeyAndQuota;
use crate::store::lookup::Lookup;
pub(super) use facts::Facts;
use writes::Changes;
pub(super) use writes::{CommitError, Notices};

/// Facts and deferred changes. Each function returns `None` or `false` if the answer is not known.
pub(in crate::store) struct Overlay {
    facts: Facts,
    inserts: Changes,
    /// Whether anything was changed since this was last set to `false`.
    changed: bool,
}

impl Overlay {
    pub(super) fn of(facts: Facts) -> Self {
        Self { facts, inserts: Changes::default(), changed: false }
    }

    /// Whether a registration that looks this up needs no other statement, unless a job before it takes its name.
    pub(super) fn covers(&self, lookup: &Lookup) -> bool {
        match self.facts.keys.get(&lookup.key_hash) {
            Some(Some(key)) => {
                let org_id = &key.found.key.org_id;
                self.is_name_free(org_id, &lookup.name_key)
                    && self.is_public_key_free(org_id, &lookup.public_key.plain)
            }
            Some(None) => true,
            None => false,
        }
    }

    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// Begins a job, whose changes [`Overlay::is_changed`] tells.
    pub(super) fn begin_job(&mut self) {
        self.changed = false;
    }

    /// Returns the auth key with this hash, or `Some(None)` if there is none.
    pub(in crate::store) fn key(&self, hash: &str) -> Option<Option<KeyAndQuota>> {
        let Some(key) = self.facts.keys.get(hash)? else { return Some(None) };
        let machines = self.facts.organisations.get(&key.found.key.org_id)?.machines;
        let mut found = key.found.clone();
        found.quota.machines += machines.now - machines.before;
        Some(Some(found))
    }

    /// Counts a use of the auth key; `Some(false)` if it allows none.
    pub(in crate::store) fn claim(&mut self, id: &str, now: Timestamp) -> Option<bool> {
        let mut keys = self.facts.keys.values_mut().flatten().map(|key| &mut key.found.key);
        let key = keys.find(|key| key.id == id)?;
        let allowed = !key.revoked && key.expires_at > now && (key.reusable || key.used_count == 0);
        if allowed {
            key.used_count += 1;
            self.changed = true;
        }
        Some(allowed)
    }

    /// Assigns an address that was never used, and returns its offset.
    pub(in crate::store) fn take_address(&mut self, org_id: &str) -> Option<i64> {
        let organisation = self.facts.organisations.get_mut(org_id)?;
        let offset = organisation.next_offset.now;
        if offset > ztna_protocol::address::LAST {
            return None;
        }
        organisation.next_offset.now += 1;
        organisation.machines.now += 1;
        self.changed = true;
        Some(offset)
    }

    /// Increments the version of the organisation's map.
    pub(in crate::store) fn advance_map(&mut self, org_id: &str) -> Option<i64> {
        let version = &mut self.facts.organisations.get_mut(org_id)?.map_version;
        version.now += 1;
        self.changed = true;
        Some(version.now)
    }

    /// Whether it is known that no machine has this name and no quarantine binds it.
    pub(in crate::store) fn is_name_free(&self, org_id: &str, name_key: &str) -> bool {
        let organisation = self.facts.organisations.get(org_id);
        organisation.is_some_and(|organisation| organisation.free_names.contains(name_key))
    }

    /// As [`Overlay::is_name_free`], of a public key in its plain spelling.
    pub(in crate::store) fn is_public_key_free(&self, org_id: &str, plain: &str) -> bool {
        let organisation = self.facts.organisations.get(org_id);
        organisation.is_some_and(|organisation| organisation.free_public_keys.contains(plain))
    }

    /// Forgets that a name and a public key are free, because a machine takes them.
    pub(in crate::store) fn occupy(&mut self, org_id: &str, name_key: &str, plain: &str) {
        if let Some(organisation) = self.facts.organisations.get_mut(org_id) {
            organisation.free_names.remove(name_key);
            organisation.free_public_keys.remove(plain);
        }
    }

    /// Defers an INSERT of one row, whose values are its placeholders in order.
    pub(in crate::store) fn insert(&mut self, sql: &'static str, values: &[Value<'_>]) {
        self.inserts.insert(sql, values);
        self.changed = true;
    }

    /// Sends what was deferred, in one round trip.
    pub(super) async fn flush(self, client: &Client, prepared: &mut Prepared) -> Result<(), Error> {
        self.inserts.after(&self.facts).send(client, prepared).await
    }

    /// Sends what was deferred, and with it the notices and COMMIT.
    pub(super) async fn commit(
        self,
        client: &Client,
        prepared: &mut Prepared,
        notices: Notices<'_>,
    ) -> Result<(), CommitError> {
        self.inserts.after(&self.facts).commit(client, prepared, notices).await
    }
}
