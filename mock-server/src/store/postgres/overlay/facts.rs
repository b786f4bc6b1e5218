//! The facts of a batch's registrations.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use futures::future::try_join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use super::super::prepared::Prepared;
use crate::store::key_row::{KeyAndQuota, key_and_quota, select_key};
use crate::store::lookup::Lookup;

/// Auth keys with what is counted in their organisations.
const KEYS: &str = select_key!(
    ", k.key_hash, p.next_offset, p.machines, v.version",
    "JOIN network_maps v ON v.org_id = k.org_id WHERE k.key_hash = ANY($1)"
);

/// The numbers of the lookups whose name or public key a machine has or a quarantine binds. The limit keeps each a search
/// in an index, instead of a join that reads all machines.
const TAKEN: &str = "SELECT l.number
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
        AS l(key_hash, name_key, plain, marked, number)
    JOIN auth_keys k ON k.key_hash = l.key_hash
    CROSS JOIN LATERAL (
        SELECT 1 FROM machines m WHERE m.org_id = k.org_id AND m.name_key = l.name_key UNION ALL
        SELECT 1 FROM machines m WHERE substr(m.public_key, 1, 8) = substr(l.plain, 1, 8)
            AND m.org_id = k.org_id AND m.public_key IN (l.plain, l.marked) UNION ALL
        SELECT 1 FROM quarantines q WHERE q.org_id = k.org_id AND q.name_key = l.name_key UNION ALL
        SELECT 1 FROM quarantines q WHERE q.org_id = k.org_id AND q.public_key = l.plain UNION ALL
        SELECT 1 FROM quarantines q WHERE q.org_id = k.org_id AND q.public_key = l.marked
        LIMIT 1) taken";

#[derive(Default)]
pub(in crate::store::postgres) struct Facts {
    /// By hash; `None` if there is no such key.
    pub(super) keys: HashMap<String, Option<Key>>,
    pub(super) organisations: HashMap<String, Organisation>,
}

pub(super) struct Key {
    /// With the uses of this batch, and the quota before it.
    pub(super) found: KeyAndQuota,
    pub(super) used_before: i64,
}

pub(super) struct Organisation {
    pub(super) next_offset: Counter,
    pub(super) machines: Counter,
    pub(super) map_version: Counter,
    /// Names that no machine has and no quarantine binds, in the form in which they are compared.
    pub(super) free_names: HashSet<String>,
    /// The same of public keys, in their plain spelling.
    pub(super) free_public_keys: HashSet<String>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Counter {
    /// As it is in the database.
    pub(super) before: i64,
    pub(super) now: i64,
}

/// The prepared statements that load facts.
pub(in crate::store::postgres) struct Questions {
    keys: Statement,
    taken: Statement,
}

impl Questions {
    pub(in crate::store::postgres) async fn prepare(
        client: &Client,
        prepared: &mut Prepared,
    ) -> Result<Self, Error> {
        Ok(Self { keys: prepared.get(client, KEYS).await?, taken: prepared.get(client, TAKEN).await? })
    }
}

impl Facts {
    /// Loads the facts in one round trip.
    pub(in crate::store::postgres) async fn load(
        client: &Client,
        questions: &Questions,
        lookups: Vec<Lookup>,
    ) -> Result<Self, Error> {
        let hashes: Vec<&str> = lookups.iter().map(|lookup| lookup.key_hash.as_str()).collect();
        let names: Vec<&str> = lookups.iter().map(|lookup| lookup.name_key.as_str()).collect();
        let plain: Vec<&str> = lookups.iter().map(|lookup| lookup.public_key.plain.as_str()).collect();
        let marked: Vec<&str> = lookups.iter().map(|lookup| lookup.public_key.marked.as_str()).collect();
        let mut distinct = hashes.clone();
        distinct.sort_unstable();
        distinct.dedup();

        let of_keys: [&(dyn ToSql + Sync); 1] = [&distinct];
        let of_taken: [&(dyn ToSql + Sync); 4] = [&hashes, &names, &plain, &marked];
        let (found, taken) =
            try_join(client.query(&questions.keys, &of_keys), client.query(&questions.taken, &of_taken))
                .await?;

        let mut facts = Self::default();
        facts.keys.extend(distinct.into_iter().map(|hash| (hash.to_owned(), None)));
        for row in &found {
            facts.add_key(row)?;
        }
        let taken = taken.iter().map(|row| row.try_get(0)).collect::<Result<HashSet<i64>, _>>()?;
        for (number, lookup) in (1..).zip(&lookups) {
            if !taken.contains(&number) {
                facts.add_free(lookup);
            }
        }
        Ok(facts)
    }

    /// Adds other facts of the same transaction, in which nothing was changed in between.
    pub(in crate::store::postgres) fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        for (org_id, organisation) in other.organisations {
            match self.organisations.entry(org_id) {
                Entry::Vacant(place) => drop(place.insert(organisation)),
                Entry::Occupied(mut place) => {
                    place.get_mut().free_names.extend(organisation.free_names);
                    place.get_mut().free_public_keys.extend(organisation.free_public_keys);
                }
            }
        }
        self
    }

    fn add_key(&mut self, row: &Row) -> Result<(), Error> {
        let hash: String = row.try_get(12)?;
        let Ok(found) = key_and_quota(&row.into()) else {
            // The job that needs the key meets the damage by itself.
            self.keys.remove(&hash);
            return Ok(());
        };
        let counter = |column| row.try_get(column).map(|before| Counter { before, now: before });
        let organisation = Organisation {
            next_offset: counter(13)?,
            machines: counter(14)?,
            map_version: counter(15)?,
            free_names: HashSet::new(),
            free_public_keys: HashSet::new(),
        };
        self.organisations.entry(found.key.org_id.clone()).or_insert(organisation);
        self.keys.insert(hash, Some(Key { used_before: found.key.used_count, found }));
        Ok(())
    }

    fn add_free(&mut self, lookup: &Lookup) {
        let Some(Some(key)) = self.keys.get(&lookup.key_hash) else { return };
        if let Some(organisation) = self.organisations.get_mut(&key.found.key.org_id) {
            organisation.free_names.insert(lookup.name_key.clone());
            organisation.free_public_keys.insert(lookup.public_key.plain.clone());
        }
    }
}
