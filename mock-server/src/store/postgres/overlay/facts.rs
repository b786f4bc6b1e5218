//! The facts of a batch's registrations.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use tokio_postgres::{Client, Error, Row, Statement};

use super::super::prepared::Prepared;
use crate::store::key_row::{KeyAndQuota, key_and_quota, key_columns};
use crate::store::lookup::Lookup;

/// Auth keys with what is counted in their organisations, and once for each organisation the names and public keys of the
/// lookups that its machines have or its quarantines bind. A public key is searched for in the range between its two
/// spellings, which begin alike, and is listed by the lower one; the index of machines has the beginning alone, and its
/// organisation is no reason to read another one. The limits keep each a search in an index: a join, or a
/// list in place of a value, reads all machines if the table has no statistics.
const FACTS: &str = concat!(
    "WITH k AS MATERIALIZED (
        SELECT ",
    key_columns!(),
    ", k.key_hash FROM auth_keys k WHERE k.key_hash = ANY($1::text[])),
    asked AS MATERIALIZED (
        SELECT k.org_id, min(k.key_hash) AS first_hash, array_agg(l.name_key) AS names, array_agg(l.low) AS low,
            array_agg(l.high) AS high, EXISTS (SELECT 1 FROM quarantines q WHERE q.org_id = k.org_id) AS quarantines
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS l(key_hash, name_key, low, high)
        JOIN k ON k.key_hash = l.key_hash GROUP BY k.org_id),
    o AS MATERIALIZED (
        SELECT a.org_id, a.first_hash, o.machine_limit, p.next_offset, p.machines, v.version,
            (SELECT count(*) FROM machines m WHERE m.org_id = a.org_id AND m.status = 'pending') AS pending,
            ARRAY(
                SELECT l.name_key FROM unnest(a.names) AS l(name_key) CROSS JOIN LATERAL (
                    SELECT 1 FROM machines m WHERE m.org_id = a.org_id AND m.name_key = l.name_key UNION ALL
                    SELECT 1 FROM quarantines q
                    WHERE a.quarantines AND q.org_id = a.org_id AND q.name_key = l.name_key
                    LIMIT 1) taken) AS names,
            ARRAY(
                SELECT l.low FROM unnest(a.low, a.high) AS l(low, high) CROSS JOIN LATERAL (
                    SELECT 1 FROM machines m WHERE substr(m.public_key, 1, 8) = substr(l.low, 1, 8)
                        AND m.org_id || '' = a.org_id AND m.public_key BETWEEN l.low AND l.high UNION ALL
                    SELECT 1 FROM quarantines q
                    WHERE a.quarantines AND q.org_id = a.org_id AND q.public_key BETWEEN l.low AND l.high
                    LIMIT 1) taken) AS public_keys
        FROM asked a JOIN organisations o ON o.id = a.org_id JOIN address_pools p ON p.org_id = a.org_id
        JOIN network_maps v ON v.org_id = a.org_id)
    SELECT ",
    key_columns!(),
    ", o.machines - o.pending, o.machine_limit, k.key_hash, o.next_offset, o.machines, o.version,
        CASE WHEN k.key_hash = o.first_hash THEN o.names END,
        CASE WHEN k.key_hash = o.first_hash THEN o.public_keys END
    FROM k JOIN o ON o.org_id = k.org_id"
);

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

/// Names and public keys that are not free, by organisation; keys in the spelling that [`bounds`] puts first.
type Taken = HashMap<String, (HashSet<String>, HashSet<String>)>;

impl Facts {
    /// Prepares the statement that [`Facts::load`] runs.
    pub(in crate::store::postgres) async fn question(
        client: &Client,
        prepared: &mut Prepared,
    ) -> Result<Statement, Error> {
        prepared.get(client, FACTS).await
    }

    /// Loads the facts in one round trip.
    pub(in crate::store::postgres) async fn load(
        client: &Client,
        question: &Statement,
        lookups: Vec<Lookup>,
    ) -> Result<Self, Error> {
        let hashes: Vec<&str> = lookups.iter().map(|lookup| lookup.key_hash.as_str()).collect();
        let names: Vec<&str> = lookups.iter().map(|lookup| lookup.name_key.as_str()).collect();
        let (low, high): (Vec<&str>, Vec<&str>) = lookups.iter().map(bounds).unzip();
        let found = client.query(question, &[&hashes, &names, &low, &high]).await?;

        let mut facts = Self::default();
        let mut taken = Taken::new();
        facts.keys.extend(hashes.iter().map(|hash| ((*hash).to_owned(), None)));
        for row in &found {
            facts.add_key(row, &mut taken)?;
        }
        lookups.iter().for_each(|lookup| facts.add_free(lookup, &taken));
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

    fn add_key(&mut self, row: &Row, taken: &mut Taken) -> Result<(), Error> {
        let hash: String = row.try_get(12)?;
        if let (Some(names), Some(public_keys)) = (strings(row, 16)?, strings(row, 17)?) {
            taken.insert(row.try_get(1)?, (names, public_keys));
        }
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

    fn add_free(&mut self, lookup: &Lookup, taken: &Taken) {
        let Some(Some(key)) = self.keys.get(&lookup.key_hash) else { return };
        let org_id = &key.found.key.org_id;
        let (Some(organisation), Some((names, public_keys))) =
            (self.organisations.get_mut(org_id), taken.get(org_id))
        else {
            return;
        };
        if !names.contains(&lookup.name_key) {
            organisation.free_names.insert(lookup.name_key.clone());
        }
        if !public_keys.contains(bounds(lookup).0) {
            organisation.free_public_keys.insert(lookup.public_key.plain.clone());
        }
    }
}

/// The two spellings of the lookup's public key, as texts are ordered.
fn bounds(lookup: &Lookup) -> (&str, &str) {
    let (plain, marked) = (lookup.public_key.plain.as_str(), lookup.public_key.marked.as_str());
    (plain.min(marked), plain.max(marked))
}

fn strings(row: &Row, column: usize) -> Result<Option<HashSet<String>>, Error> {
    let found: Option<Vec<String>> = row.try_get(column)?;
    Ok(found.map(HashSet::from_iter))
}
