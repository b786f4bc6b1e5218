//! Registrations in batches, with what they look up announced, announced wrongly or not at all, leave the same as one at a
//! time on a database that knows nothing in advance.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use proptest::prelude::*;

use super::redo::in_one_batch;
use super::{NOW, cluster, postgres_location, postgres_schema};
use crate::control::enrol::{self, Candidate, Enrolled};
use crate::control::{ControlError, Random};
use crate::domain::Refusal;
use crate::domain::key::material::{Material, sha256};
use crate::domain::machine::Status;
use crate::store::auth_keys::{self, NewAuthKey};
use crate::store::{Location, Lookup, Store, StoreError, Tx, machines, organisations, quarantines, settings};
use crate::values;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The auth keys: their organisations, and what a use of each leads to.
const KEYS: [(&str, Kind); 6] = [
    ("wide", Kind::Reusable),
    ("wide", Kind::SingleUse),
    ("wide", Kind::Expired),
    ("narrow", Kind::Reusable),
    // Its organisation has few addresses left.
    ("full", Kind::Reusable),
    ("wide", Kind::Unknown),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Reusable,
    SingleUse,
    Expired,
    Unknown,
}

#[derive(Debug, Clone)]
pub(super) enum Job {
    Register { key: usize, name: u16, public_key: u16, attempt: Option<u8>, announced: Announced, then: Then },
    Revoke { key: usize },
    Quarantine { name: u16 },
    Delete { name: u16 },
    Put { name: u16 },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Announced {
    Nothing,
    Truth,
    AnotherName(u16),
    AnotherKey(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Then {
    Succeed,
    Fail,
    Panic,
    /// Reads with a statement of its own.
    Read,
}

fn job() -> impl Strategy<Value = Job> {
    let announced = prop_oneof![
        2 => Just(Announced::Nothing),
        8 => Just(Announced::Truth),
        1 => (0..9_u16).prop_map(Announced::AnotherName),
        1 => (0..KEYS.len()).prop_map(Announced::AnotherKey),
    ];
    let then = prop_oneof![
        12 => Just(Then::Succeed),
        1 => Just(Then::Fail),
        1 => Just(Then::Panic),
        2 => Just(Then::Read),
    ];
    let attempt = prop::option::of(0..3_u8);
    let register = (0..KEYS.len(), 0..9_u16, 0..9_u16, attempt, announced, then);
    let register = register.prop_map(|(key, name, public_key, attempt, announced, then)| Job::Register {
        key,
        name,
        public_key,
        attempt,
        announced,
        then,
    });
    prop_oneof![
        12 => register,
        1 => (0..KEYS.len()).prop_map(|key| Job::Revoke { key }),
        1 => (0..9_u16).prop_map(|name| Job::Quarantine { name }),
        1 => (0..9_u16).prop_map(|name| Job::Delete { name }),
        1 => (0..9_u16).prop_map(|name| Job::Put { name }),
    ]
}

fn key_material(key: usize) -> Material {
    Material::auth_key([u8::try_from(key).unwrap(); 32])
}

fn candidate(name: u16, public_key: u16, attempt: Option<u8>) -> Candidate {
    Candidate {
        // Two spellings of the same names.
        name: if name.is_multiple_of(3) { format!("M-{}", name / 3) } else { format!("m-{}", name / 3) },
        public_key: sha256(&public_key.to_string()),
        os: None,
        version: None,
        tags: Vec::new(),
        address: None,
        attempt_hash: attempt.map(|attempt| attempt.to_string()),
    }
}

/// What the job says that it will look up.
pub(super) fn announced(job: &Job) -> Option<Lookup> {
    let Job::Register { key, name, public_key, announced, .. } = job else { return None };
    let (key, name) = match announced {
        Announced::Nothing => return None,
        Announced::Truth => (key, name),
        Announced::AnotherName(other) => (key, other),
        Announced::AnotherKey(other) => (other, name),
    };
    enrol::lookup(&key_material(*key).secret, &candidate(*name, *public_key, None))
}

/// Does what a job does; `number` is the same in each run and on each database.
pub(super) fn perform(tx: &mut Tx<'_>, job: &Job, number: u64) -> Result<Option<Enrolled>, ControlError> {
    let now = NOW.plus(Duration::from_millis(number));
    let (org_id, key_id) = ("wide", |key: usize| format!("key-{key}"));
    match job {
        Job::Register { key, name, public_key, attempt, then, .. } => {
            let candidate = candidate(*name, *public_key, *attempt);
            let source = Random::seeded(number);
            let random = source.repeatable();
            let secret = key_material(*key).secret;
            let enrolled = enrol::with_key(tx, &secret, &candidate, &random.draws(), now)?;
            match then {
                Then::Succeed => {}
                Then::Fail => return Err(Refusal::RegistrationConflict.into()),
                Then::Panic => panic!("on purpose"),
                Then::Read => {
                    let found = machines::find(tx, &enrolled.machine.org_id, &enrolled.machine.id)?;
                    assert_eq!(found.as_ref(), Some(&enrolled.machine));
                }
            }
            return Ok(Some(enrolled));
        }
        Job::Revoke { key } => drop(auth_keys::revoke(tx, KEYS[*key].0, &key_id(*key))?),
        Job::Quarantine { name } => {
            if let Some(before) = machines::find_by_name(tx, org_id, &candidate(*name, 0, None).name)? {
                quarantines::insert(tx, &before)?;
                let after = machines::Machine { status: Status::Quarantined, ..before.clone() };
                machines::update(tx, &before, &after)?;
            }
        }
        Job::Delete { name } => {
            if let Some(machine) = machines::find_by_name(tx, org_id, &candidate(*name, 0, None).name)? {
                machines::delete(tx, &machine, now)?;
            }
        }
        Job::Put { name } => settings::put(tx, &format!("n{name}"), &number.to_string())?,
    }
    Ok(None)
}

pub(super) async fn fill(store: &Store) {
    let filled = store.write(|tx| {
        for (org_id, limit) in [("wide", 1000), ("narrow", 3), ("full", 1000)] {
            organisations::insert(tx, org_id, org_id, limit, NOW)?;
        }
        tx.execute("UPDATE address_pools SET next_offset = 4194301 WHERE org_id = 'full'", &[])?;
        for (key, (org_id, kind)) in KEYS.into_iter().enumerate().filter(|(_, key)| key.1 != Kind::Unknown) {
            let material = key_material(key);
            let row = NewAuthKey {
                id: &format!("key-{key}"),
                org_id,
                name: "k",
                key_hash: &material.hash,
                key_prefix: &material.prefix,
                reusable: kind != Kind::SingleUse,
                ephemeral: false,
                expires_at: if kind == Kind::Expired { NOW } else { NOW.plus(DAY) },
                allowed_tags: None,
                allowed_cidrs: None,
                tags: None,
                description: None,
                created_by: "u",
                api_key_id: None,
            };
            auth_keys::insert(tx, &row, NOW)?;
        }
        Ok::<_, StoreError>(())
    });
    filled.await.unwrap();
}

fn told(outcome: &Result<Option<Enrolled>, ControlError>) -> String {
    match outcome {
        Ok(done) => format!("{done:?}"),
        Err(refused) => refused.to_string(),
    }
}

/// Every row that jobs can change.
async fn tables(store: &Store) -> Vec<String> {
    const TABLES: [(&str, &str); 8] = [
        ("auth_keys", "id, used_count, revoked"),
        ("address_pools", "org_id, next_offset, machines"),
        ("released_addresses", "org_id, \"offset\", released_at"),
        ("network_maps", "org_id, version, pruned, rules_version, restricted"),
        ("removed_machines", "machine_id, org_id, version, removed_at"),
        ("quarantines", "machine_id, org_id, name_key, public_key"),
        ("audit_logs", "id, org_id, actor, action, target, details, created_at"),
        (
            "machines",
            "id, org_id, name, tailnet_ip, status, tags, public_key, token_hash, auth_key_id, os, version, created_at,
             last_seen, map_version, name_key, attempt_hash, attempted_at, attempt_reregistered",
        ),
    ];
    let mut rows = Vec::new();
    for (table, columns) in TABLES {
        let shown = columns.split(',').map(|column| format!("coalesce(CAST({column} AS TEXT), '-')"));
        let sql = format!("SELECT {} FROM {table}", shown.collect::<Vec<_>>().join(" || '|' || "));
        let found = store.read(move |tx| tx.all(&sql, &[], |row| row.text(0)));
        let found: Result<Vec<String>, StoreError> = found.await;
        rows.extend(found.unwrap().into_iter().map(|row| format!("{table}|{row}")));
    }
    let put = store.read(|tx| {
        tx.all("SELECT name || '|' || value FROM settings WHERE name LIKE 'n_'", &[], |row| row.text(0))
    });
    rows.extend::<Vec<String>>(put.await.unwrap_or_else(|error: StoreError| panic!("{error}")));
    rows.sort();
    rows
}

/// Runs the jobs in one batch, and returns what each led to, in the order in which they ran in the end.
async fn batch(store: &Store, jobs: &[(u64, Job)]) -> Vec<(u64, String)> {
    let order: Arc<Mutex<Vec<u64>>> = Arc::default();
    let queued = jobs.iter().map(|(number, job)| -> BoxFuture<'_, (u64, String)> {
        let (number, job, order) = (*number, job.clone(), Arc::clone(&order));
        let lookup = announced(&job);
        let job = move |tx: &mut Tx<'_>| {
            order.lock().unwrap().push(number);
            perform(tx, &job, number)
        };
        async move { (number, told(&store.write_with(lookup, job).await)) }.boxed()
    });
    let mut outcomes = in_one_batch(store, queued.collect()).await;
    let order = order.lock().unwrap();
    outcomes.sort_by_key(|(number, _)| order.iter().rposition(|ran| ran == number));
    outcomes
}

async fn check(batches: Vec<Vec<Job>>) {
    let Some(location) = postgres_location() else { return };
    let (store, simple) = (Store::open(&location).unwrap(), Store::open(&Location::Memory).unwrap());
    fill(&store).await;
    fill(&simple).await;
    let mut number = 0;
    for jobs in batches {
        let jobs: Vec<(u64, Job)> = (number + 1..).zip(jobs).collect();
        number += u64::try_from(jobs.len()).unwrap();
        for (number, outcome) in batch(&store, &jobs).await {
            let job = jobs.iter().find(|(of, _)| *of == number).unwrap().1.clone();
            let shown = format!("{job:?}");
            let alone = simple.write(move |tx| perform(tx, &job, number)).await;
            assert_eq!(outcome, told(&alone), "{shown} of {jobs:?}");
        }
        assert_eq!(tables(&store).await, tables(&simple).await, "after {jobs:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn batches_with_an_overlay_leave_what_single_jobs_leave(
        batches in prop::collection::vec(prop::collection::vec(job(), 1..24), 1..6)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(check(batches));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_facts_change_under_it_runs_again() {
    let Some((schema, address)) = postgres_schema() else { return };
    let store = Store::open(&Location::Postgres(Box::new(address))).unwrap();
    fill(&store).await;
    let (runs, job) = (Arc::new(Mutex::new(0)), register(0, 1));
    let counted = Arc::clone(&runs);
    let registration = move |tx: &mut Tx<'_>| {
        let mut runs = counted.lock().unwrap();
        *runs += 1;
        if *runs == 1 {
            // Somebody who does not wait for the writers' lock.
            let used = format!("UPDATE {schema}.auth_keys SET used_count = 5 WHERE id = 'key-0'");
            std::thread::spawn(move || run_elsewhere(&used)).join().unwrap();
        }
        perform(tx, &job, 1)
    };
    store.write_with(announced(&register(0, 1)), registration).await.unwrap();
    let used = store.read(|tx| {
        tx.optional("SELECT used_count FROM auth_keys WHERE id = ?1", values!["key-0"], |row| row.integer(0))
    });
    let used = used.await.unwrap_or_else(|error: StoreError| panic!("{error}"));
    assert_eq!((*runs.lock().unwrap(), used), (2, Some(6)));
}

/// How many machines there are before, and how many rows may be read for twenty more.
const MACHINES: i64 = 3000;
const MOST_ROWS: i64 = 500;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_does_not_read_all_machines_where_the_table_has_no_statistics() {
    let Some(location) = postgres_location() else { return };
    let store = Store::open(&location).unwrap();
    fill(&store).await;
    let filled = store.write(|tx| {
        tx.execute(
            "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, created_at,
                 last_seen, map_version, name_key)
             SELECT 'm' || n, 'wide', 'f-' || n, 'i' || n, 'online', '[]', 0, 'k' || n, 0, 0, n, 'f-' || n
             FROM generate_series(1, ?1) n",
            values![MACHINES],
        )
    });
    assert_eq!(filled.await.unwrap(), 3000);
    let registrations = (1..=20_u16).map(|number| -> BoxFuture<'_, i64> {
        let job = register(0, number);
        let lookup = announced(&job);
        let job = move |tx: &mut Tx<'_>| perform(tx, &job, u64::from(number)).map(|_| 0);
        let store = store.clone();
        async move { store.write_with(lookup, job).await.unwrap() }.boxed()
    });
    let mut jobs: Vec<BoxFuture<'_, i64>> = registrations.collect();
    let rows = |tx: &mut Tx<'_>| {
        let sql = "SELECT (idx_tup_fetch + seq_tup_read)::bigint FROM pg_stat_xact_user_tables
            WHERE schemaname = current_schema() AND relname = 'machines'";
        Ok(tx.optional(sql, &[], |row| row.integer(0))?.unwrap_or(0))
    };
    // The server may not have counted the transactions before yet.
    let before: i64 = store.write(rows).await.unwrap_or_else(|error: StoreError| panic!("{error}"));
    // It announces nothing, so that it runs after the others.
    let read = store.write(rows);
    jobs.push(async { read.await.unwrap_or_else(|error: StoreError| panic!("{error}")) }.boxed());
    let after: i64 = in_one_batch(&store, jobs).await.into_iter().sum();
    assert!((0..MOST_ROWS).contains(&(after - before)), "{before} rows before, {after} after");
}

pub(super) fn register(key: usize, name: u16) -> Job {
    let (announced, then) = (Announced::Truth, Then::Succeed);
    Job::Register { key, name, public_key: name, attempt: None, announced, then }
}

fn run_elsewhere(sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = cluster::url().unwrap();
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    });
}
