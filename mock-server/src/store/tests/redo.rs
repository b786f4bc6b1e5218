//! A batch whose jobs run again because one of them failed after a change.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use futures::future::{BoxFuture, FutureExt as _, join_all};
use rusqlite::Connection;

use super::{NOW, get, put, stores};
use crate::control::Random;
use crate::store::{Condition, Location, Store, StoreError, Tx, network_map, organisations, settings};
use crate::values;

pub(super) type Outcome = Result<String, StoreError>;

/// Runs jobs in one batch: they are queued while another one holds the writer.
pub(super) async fn in_one_batch<T>(store: &Store, jobs: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let (started, has_started) = mpsc::channel::<()>();
    let (release, held) = mpsc::channel::<()>();
    let mut blocker = Box::pin(store.write(move |_| {
        let _ = started.send(());
        let _ = held.recv();
        Ok::<_, StoreError>(())
    }));
    assert!((&mut blocker).now_or_never().is_none());
    has_started.recv().unwrap();
    let mut queued = Box::pin(join_all(jobs));
    assert!((&mut queued).now_or_never().is_none());
    drop(release);
    blocker.await.unwrap();
    queued.await
}

/// Stores an id under that name, and adds the id to `runs`.
pub(super) fn insert(
    store: &Store,
    random: &Random,
    name: String,
    runs: &Arc<Mutex<Vec<String>>>,
    then: fn(&mut Tx<'_>) -> Result<(), StoreError>,
) -> BoxFuture<'static, Outcome> {
    let (store, runs, random) = (store.clone(), Arc::clone(runs), random.repeatable());
    let job = move |tx: &mut Tx<'_>| {
        let id = random.draws().id(NOW);
        runs.lock().unwrap().push(id.clone());
        settings::insert(tx, &name, &id)?;
        then(tx).map(|()| id)
    };
    async move { store.write(job).await }.boxed()
}

pub(super) fn fail(_: &mut Tx<'_>) -> Result<(), StoreError> {
    Err(StoreError::Stopped)
}

fn panic(_: &mut Tx<'_>) -> Result<(), StoreError> {
    panic!("on purpose")
}

pub(super) fn succeed(_: &mut Tx<'_>) -> Result<(), StoreError> {
    Ok(())
}

#[tokio::test]
async fn jobs_beside_one_that_fails_after_a_change_run_again_with_the_same_answers() {
    for (store, _folder) in stores() {
        let random = Random::system();
        for spoil in [fail, panic] {
            let case = random.id(NOW);
            let runs: Vec<Arc<Mutex<Vec<String>>>> = (0..10).map(|_| Arc::default()).collect();
            let jobs = runs.iter().enumerate().map(|(n, runs)| {
                let then = if n == 4 || n == 7 { spoil } else { succeed };
                insert(&store, &random, format!("{case}-{n}"), runs, then)
            });
            let outcomes = in_one_batch(&store, jobs.collect()).await;
            for (n, (outcome, runs)) in outcomes.iter().zip(&runs).enumerate() {
                let name = format!("{case}-{n}");
                let stored = store.read(move |tx| settings::get(tx, &name)).await.unwrap();
                assert_eq!(stored.as_ref(), outcome.as_ref().ok(), "job {n}");
                let runs = runs.lock().unwrap().clone();
                assert_eq!(
                    runs.len(),
                    if n <= 4 { 2 } else { 1 },
                    "job {n}: the first attempt ends at job 4"
                );
                assert!(runs.iter().all(|id| *id == runs[0]), "job {n}: {runs:?}");
                assert_eq!(outcome.is_ok(), n != 4 && n != 7, "job {n}: {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_fails_before_any_change_repeats_nothing() {
    for (store, _folder) in stores() {
        let (random, runs) = (Random::system(), Arc::default());
        let refused: BoxFuture<'_, Outcome> = store.write(|_| Err(StoreError::Stopped)).boxed();
        let unchanged = store.write(|tx| {
            settings::remove(tx, "nothing")?;
            Err(StoreError::Stopped)
        });
        let jobs = vec![
            insert(&store, &random, "a".to_owned(), &runs, succeed),
            refused,
            unchanged.boxed(),
            insert(&store, &random, "b".to_owned(), &runs, succeed),
        ];
        let outcomes = in_one_batch(&store, jobs).await;
        assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
        assert_eq!(runs.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_repeated_change_counts_once_and_notifies_only_its_own_listeners() {
    for (store, _folder) in stores() {
        let created = store.write(|tx| {
            organisations::insert(tx, "o", "O", 10, NOW)?;
            organisations::insert(tx, "other", "P", 10, NOW)
        });
        created.await.unwrap();
        let (mut listener, mut other) = (store.listen("o"), store.listen("other"));
        let advance = |org_id: &'static str, then: fn(&mut Tx<'_>) -> Result<(), StoreError>| {
            let store = store.clone();
            let job = move |tx: &mut Tx<'_>| {
                let version = network_map::advance(tx, org_id)?;
                then(tx).map(|()| version.to_string())
            };
            async move { store.write(job).await }.boxed()
        };
        let jobs = vec![advance("o", succeed), advance("other", fail), advance("o", succeed)];
        let outcomes = in_one_batch(&store, jobs).await;
        let versions: Vec<Option<String>> = outcomes.into_iter().map(Result::ok).collect();
        assert_eq!(versions, [Some("2".to_owned()), None, Some("3".to_owned())]);
        assert_eq!(listener.changed().now_or_never(), Some(()));
        assert_eq!(listener.changed().now_or_never(), None);
        assert_eq!(other.changed().now_or_never(), None, "its change was rolled back");
    }
}

#[tokio::test]
async fn no_job_has_an_effect_if_the_second_attempt_cannot_begin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store =
        Store::open_with(&Location::File(path.clone()), std::time::Duration::from_millis(50)).unwrap();
    let (random, runs) = (Random::system(), Arc::default());
    let other = Arc::new(Mutex::new(Connection::open(&path).unwrap()));
    let lock = Arc::clone(&other);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let spoiling = store.write(move |tx| {
        counted.fetch_add(1, Ordering::Relaxed);
        settings::insert(tx, "spoiling", "v")?;
        // Another program takes the lock as soon as it is free.
        tx.execute("ROLLBACK", &[])?;
        lock.lock().unwrap().execute_batch("BEGIN IMMEDIATE").unwrap();
        Err(StoreError::Stopped)
    });
    let jobs = vec![
        insert(&store, &random, "a".to_owned(), &runs, succeed),
        spoiling.boxed(),
        insert(&store, &random, "b".to_owned(), &runs, succeed),
    ];
    let outcomes = in_one_batch(&store, jobs).await;
    for outcome in &outcomes {
        let locked = matches!(outcome, Err(StoreError::Unavailable(Condition::Locked)));
        assert!(locked, "{outcomes:?}");
    }
    assert_eq!((attempts.load(Ordering::Relaxed), runs.lock().unwrap().len()), (1, 1));
    other.lock().unwrap().execute_batch("ROLLBACK").unwrap();
    put(&store, "after", "v").await.unwrap();
    for name in ["a", "spoiling", "b"] {
        assert_eq!(get(&store, name).await, None, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_that_rests_on_a_failed_commit_is_not_told() {
    for (store, _folder) in stores() {
        let (random, runs) = (Random::system(), Arc::default());
        // A foreign key that is checked at the commit.
        let broken = |tx: &mut Tx<'_>| {
            match tx.is_postgres() {
                true => {
                    for key in ["user_id", "org_id"] {
                        let constraint = format!("memberships_{key}_fkey DEFERRABLE INITIALLY DEFERRED");
                        tx.execute(&format!("ALTER TABLE memberships ALTER CONSTRAINT {constraint}"), &[])?;
                    }
                }
                false => drop(tx.execute("PRAGMA defer_foreign_keys = 1", &[])?),
            }
            tx.execute("INSERT INTO memberships (user_id, org_id, role) VALUES ('u', 'o', 'r')", &[])
                .map(drop)
        };
        let taken = |store: &Store| {
            let refuse = |tx: &mut Tx<'_>| match settings::get(tx, "name")? {
                Some(_) => Err(StoreError::WriteInRead),
                None => Err(StoreError::Stopped),
            };
            let store = store.clone();
            async move { store.write(refuse).await }.boxed()
        };
        let jobs = vec![
            taken(&store),
            insert(&store, &random, "name".to_owned(), &runs, succeed),
            taken(&store),
            insert(&store, &random, "other".to_owned(), &runs, broken),
        ];
        let outcomes = in_one_batch(&store, jobs).await;
        assert!(
            matches!(outcomes[0], Err(StoreError::Stopped)),
            "it saw nothing of the others: {outcomes:?}"
        );
        for outcome in &outcomes[1..] {
            assert!(
                matches!(outcome, Err(StoreError::Database(_) | StoreError::Postgres(_))),
                "{outcomes:?}"
            );
        }
        assert_eq!(get(&store, "name").await, None);
    }
}

#[tokio::test]
async fn a_job_that_fills_the_disk_fails_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::File(folder.path().join("store.db"))).unwrap();
    let limit = store.write(|tx| tx.optional("PRAGMA max_page_count = 80", values![], |row| row.integer(0)));
    assert_eq!(limit.await.unwrap(), Some(80));
    let (random, runs) = (Random::system(), Arc::default());
    let filling = store.write(|tx| {
        settings::insert(tx, "large", &"x".repeat(400_000))?;
        Ok("stored".to_owned())
    });
    let jobs = vec![
        insert(&store, &random, "a".to_owned(), &runs, succeed),
        insert(&store, &random, "b".to_owned(), &runs, fail),
        filling.boxed(),
        insert(&store, &random, "c".to_owned(), &runs, succeed),
    ];
    let outcomes = in_one_batch(&store, jobs).await;
    assert!(matches!(outcomes[2], Err(StoreError::Unavailable(Condition::DiskFull))), "{outcomes:?}");
    for (name, outcome) in ["a", "b", "large", "c"].into_iter().zip(&outcomes) {
        let stored = get(&store, name).await;
        assert_eq!(stored.is_some(), outcome.is_ok(), "{name}: {outcome:?}");
    }
    put(&store, "after", "v").await.unwrap();
}
