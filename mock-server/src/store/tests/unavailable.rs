//! While the database cannot be used, no job has an effect that its caller does not know of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use rusqlite::Connection;

use super::{get, private_file, put};
use crate::store::{Condition, Location, Store, StoreError, settings};
use crate::values;

const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

fn locked(outcome: &Result<(), StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(Condition::Locked)))
}

#[tokio::test]
async fn no_job_runs_while_another_program_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open_with(&Location::File(path.clone()), LOCK_TIMEOUT).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let ran = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let outcomes = join_all((0..200).map(|n| {
        let ran = Arc::clone(&ran);
        store.write(move |tx| {
            ran.fetch_add(1, Ordering::Relaxed);
            settings::insert(tx, &format!("n{n}"), "v")
        })
    }))
    .await;
    assert!(outcomes.iter().all(locked), "{outcomes:?}");
    // One job may have been taken alone, before the others were queued.
    assert!(started.elapsed() < LOCK_TIMEOUT * 6, "{:?}: each batch waited in turn", started.elapsed());
    assert_eq!(get(&store, "n0").await, None, "reads go on");

    other.execute_batch("ROLLBACK").unwrap();
    put(&store, "after", "v").await.unwrap();
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn acknowledged_and_stored_are_the_same_while_a_lock_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open_with(&Location::File(path.clone()), Duration::from_millis(1)).unwrap();
    let other = Connection::open(&path).unwrap();
    let holder = std::thread::spawn(move || {
        for _ in 0..40 {
            if other.execute_batch("BEGIN IMMEDIATE").is_ok() {
                std::thread::sleep(Duration::from_millis(3));
                other.execute_batch("ROLLBACK").unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let mut outcomes = Vec::new();
    while !holder.is_finished() {
        let begin = outcomes.len();
        let names: Vec<_> = (begin..begin + 8).map(|n| format!("n{n}")).collect();
        outcomes.extend(join_all(names.iter().map(|name| put(&store, name, "v"))).await);
    }
    holder.join().unwrap();
    assert!(outcomes.iter().any(Result::is_ok));
    for (n, outcome) in outcomes.iter().enumerate() {
        let name = format!("n{n}");
        let stored = store.read(move |tx| settings::get(tx, &name)).await.unwrap();
        assert_eq!(stored.is_some(), outcome.is_ok(), "n{n}: {outcome:?}");
    }
}

#[tokio::test]
async fn acknowledged_and_stored_are_the_same_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::File(folder.path().join("store.db"))).unwrap();
    let limit = store.write(|tx| tx.optional("PRAGMA max_page_count = 80", values![], |row| row.integer(0)));
    assert_eq!(limit.await.unwrap(), Some(80));
    let filler = "x".repeat(40_000);
    let jobs = (0..64).map(|n| {
        let value = if n % 4 == 3 { filler.clone() } else { "v".to_owned() };
        store.write(move |tx| settings::insert(tx, &format!("n{n}"), &value))
    });
    let outcomes = join_all(jobs).await;
    let full = |outcome: &Result<(), StoreError>| {
        matches!(outcome, Err(StoreError::Unavailable(Condition::DiskFull | Condition::RolledBack)))
    };
    assert!(outcomes.iter().any(full), "{outcomes:?}");
    put(&store, "small", "v").await.unwrap();
    for (n, outcome) in outcomes.iter().enumerate() {
        let stored = store.read(move |tx| settings::get(tx, &format!("n{n}"))).await.unwrap();
        assert_eq!(stored.is_some(), outcome.is_ok(), "n{n}: {outcome:?}");
    }
}

#[test]
fn databases_of_other_programs_are_refused() {
    for schema in ["CREATE TABLE songs (id)", "PRAGMA user_version = 1", "CREATE TABLE settings (name)"] {
        let folder = tempfile::tempdir().unwrap();
        let path = private_file(&folder.path().join("other.db"), b"");
        Connection::open(&path).unwrap().execute_batch(schema).unwrap();
        let refused = Store::open(&Location::File(path)).err();
        assert!(matches!(refused, Some(StoreError::Foreign { .. })), "{schema}: {refused:?}");
    }
}

#[tokio::test]
async fn a_read_only_database_refuses_writes_and_answers_reads() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::File(folder.path().join("store.db"))).unwrap();
    put(&store, "n", "v").await.unwrap();
    store.write(|tx| tx.optional("PRAGMA query_only = 1", values![], |_| Ok(()))).await.unwrap();
    let refused = put(&store, "m", "v").await;
    assert!(matches!(refused, Err(StoreError::Unavailable(Condition::ReadOnly))), "{refused:?}");
    assert_eq!(get(&store, "n").await.as_deref(), Some("v"));
}
