//! The guarantees of the store, tested in memory, with a file, and on PostgreSQL where it is installed.

mod access_rules;
pub(super) mod cluster;
mod damage;
mod growth;
mod lists;
mod lost;
mod machines;
mod overlay;
mod redo;
mod round_trips;
mod unavailable;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;

use super::*;
use crate::domain::Timestamp;
use crate::values;

const NOW: Timestamp = Timestamp::from_millis(1_000);

/// Opens one store of each kind; the folder must be kept as long as its store.
fn stores() -> Vec<(Store, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let file = Store::open(&Location::File(folder.path().join("store.db"))).unwrap();
    let mut stores = vec![(Store::open(&Location::Memory).unwrap(), None), (file, Some(folder))];
    stores.extend(postgres_location().map(|location| (Store::open(&location).unwrap(), None)));
    stores
}

/// Creates a schema of its own where PostgreSQL is installed.
fn postgres_location() -> Option<Location> {
    postgres_schema().map(|(_, address)| Location::Postgres(Box::new(address)))
}

/// As [`postgres_location`]; returns the schema's name and address.
fn postgres_schema() -> Option<(String, Address)> {
    let address = Address::parse(cluster::url()?).unwrap();
    let creating = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let run = std::process::id().to_string();
            let schemas = ScratchSchemas::open(&address, "test", &run).await.unwrap();
            schemas.create(cluster::number()).await.unwrap()
        })
    });
    Some(creating.join().unwrap())
}

/// Creates a file as the store would.
fn private_file(path: &Path, content: &[u8]) -> PathBuf {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    path.to_owned()
}

async fn put(store: &Store, name: &str, value: &str) -> Result<(), StoreError> {
    let (name, value) = (name.to_owned(), value.to_owned());
    store.write(move |tx| settings::insert(tx, &name, &value)).await
}

async fn get(store: &Store, name: &'static str) -> Option<String> {
    store.read(move |tx| settings::get(tx, name)).await.unwrap()
}

#[tokio::test]
async fn acknowledged_writes_are_visible() {
    for (store, _folder) in stores() {
        for n in 0..20 {
            let name = format!("n{n}");
            put(&store, &name, "v").await.unwrap();
            let seen = store.read(move |tx| settings::get(tx, &name)).await.unwrap();
            assert_eq!(seen.as_deref(), Some("v"));
        }
    }
}

#[tokio::test]
async fn failed_jobs_are_rolled_back_within_a_batch() {
    for (store, _folder) in stores() {
        let jobs = (0..64).map(|n| {
            store.write(move |tx| {
                settings::insert(tx, &format!("n{n}"), "v")?;
                if n % 3 == 0 { Err(StoreError::Stopped) } else { Ok(n) }
            })
        });
        let outcomes = join_all(jobs).await;
        for (n, outcome) in outcomes.into_iter().enumerate() {
            let kept = store.read(move |tx| settings::get(tx, &format!("n{n}"))).await.unwrap().is_some();
            assert_eq!((outcome.is_ok(), kept), (n % 3 != 0, n % 3 != 0), "job {n}");
        }
    }
}

#[tokio::test]
async fn a_panicking_job_does_not_affect_others() {
    for (store, _folder) in stores() {
        let panicking = store.write(|tx| -> Result<(), StoreError> {
            settings::insert(tx, "lost", "v")?;
            panic!("on purpose");
        });
        let (panicked, kept) = futures::future::join(panicking, put(&store, "kept", "v")).await;
        assert!(matches!(panicked, Err(StoreError::Stopped)));
        kept.unwrap();
        assert_eq!((get(&store, "lost").await, get(&store, "kept").await), (None, Some("v".to_owned())));
    }
}

#[tokio::test]
async fn unique_violations_are_distinguished_from_other_errors() {
    for (store, _folder) in stores() {
        put(&store, "n", "v").await.unwrap();
        match put(&store, "n", "w").await {
            Err(StoreError::Unique { constraint }) => assert_eq!(constraint, "settings.name"),
            other => panic!("{other:?}"),
        }
        let wrong = store.write(|tx| tx.execute("UPDATE nothing SET x = 1", &[])).await;
        assert!(matches!(wrong, Err(StoreError::Database(_) | StoreError::Postgres(_))));
        assert_eq!(get(&store, "n").await.as_deref(), Some("v"));
    }
}

#[tokio::test]
async fn reads_cannot_write() {
    for (store, _folder) in stores() {
        let written = store.read(|tx| settings::insert(tx, "n", "v")).await;
        assert!(matches!(written, Err(StoreError::WriteInRead)), "{written:?}");
        assert_eq!(get(&store, "n").await, None);
    }
}

#[tokio::test]
async fn values_round_trip() {
    for (store, _folder) in stores() {
        let read = store.read(|tx| {
            tx.optional(
                "SELECT CAST(?1 AS TEXT), CAST(?2 AS BIGINT), CAST(?3 AS BIGINT), CAST(?4 AS BIGINT), CAST(?5 AS BIGINT)",
                values!["ü'\";--", -7_i64, true, None::<i64>, NOW],
                |row| {
                    let numbers =
                        (row.integer(1)?, row.flag(2)?, row.optional_integer(3)?, row.timestamp(4)?);
                    Ok((row.text(0)?, numbers))
                },
            )
        });
        let expected = ("ü'\";--".to_owned(), (-7, true, None, NOW));
        assert_eq!(read.await.map_err(|error: StoreError| error.to_string()), Ok(Some(expected)));
    }
}

#[tokio::test]
async fn addresses_are_unique_and_released_ones_are_reused_last() {
    for (store, _folder) in stores() {
        let taken = store.write(|tx| {
            organisations::insert(tx, "o", "O", 10, NOW)?;
            let mut taken = Vec::new();
            for _ in 0..3 {
                taken.push(addresses::take(tx, "o")?);
            }
            addresses::release(tx, "o", "100.64.0.2", NOW)?;
            addresses::release(tx, "o", "100.64.0.1", NOW.plus(Duration::from_secs(1)))?;
            taken.push(addresses::take(tx, "o")?);
            tx.execute("UPDATE address_pools SET next_offset = 4194303", &[])?;
            for _ in 0..3 {
                taken.push(addresses::take(tx, "o")?);
            }
            let quota = addresses::quota(tx, "o")?.map(|quota| quota.machines);
            Ok::<_, StoreError>((taken, quota))
        });
        let (taken, machines) = taken.await.unwrap();
        let taken: Vec<_> = taken.iter().map(|ip| ip.map_or("-".to_owned(), |ip| ip.to_string())).collect();
        let expected =
            ["100.64.0.1", "100.64.0.2", "100.64.0.3", "100.64.0.4", "100.64.0.2", "100.64.0.1", "-"];
        assert_eq!((taken, machines), (expected.map(str::to_owned).to_vec(), Some(4)));
    }
}

#[tokio::test]
async fn a_version_1_database_is_migrated_to_network_maps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    private_file(&path, b"");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../migrations/sqlite/0001_initial.sql")).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO organisations VALUES ('o', 'O', 10, 0);
         INSERT INTO machines VALUES ('a', 'o', 'a', '100.64.0.1', 'online', '[]', 0, 'k', 'h', NULL, NULL, NULL, NULL, 0, 0);
         INSERT INTO machines VALUES ('b', 'o', 'b', '100.64.0.2', 'online', '[]', 0, 'k', NULL, NULL, NULL, NULL, NULL, 0, 0);",
    )
    .unwrap();
    drop(old);
    let store = Store::open(&Location::File(path)).unwrap();
    let seen = store.read(|tx| {
        let peers = network_map::peers(tx, "o")?;
        Ok::<_, StoreError>((network_map::version_range(tx, "o")?.version, peers))
    });
    let (version, peers) = seen.await.unwrap();
    assert_eq!(
        (version, peers.len(), peers[0].id.as_str()),
        (1, 1, "a"),
        "only machines with a token are peers"
    );
}

#[tokio::test]
async fn listeners_are_notified_after_commit_only() {
    for (store, _folder) in stores() {
        let mut listener = store.listen("o");
        let has_replicas = store.read(|tx| Ok::<_, StoreError>(tx.is_postgres())).await.unwrap();
        if has_replicas {
            // Everybody is told to look once, when it begins to hear of other replicas' changes.
            let _ = tokio::time::timeout(Duration::from_secs(1), listener.changed()).await;
        }
        store.write(|tx| organisations::insert(tx, "o", "O", 10, NOW)).await.unwrap();
        let undone = store.write(|tx| {
            network_map::advance(tx, "o")?;
            Err::<(), _>(StoreError::Stopped)
        });
        undone.await.unwrap_err();
        assert_eq!(futures::FutureExt::now_or_never(listener.changed()), None);
        store.write(|tx| network_map::advance(tx, "o")).await.unwrap();
        assert_eq!(
            futures::FutureExt::now_or_never(listener.changed()),
            Some(()),
            "before the write returns"
        );
    }
}

#[tokio::test]
async fn newer_and_foreign_schemas_are_refused_with_a_way_out() {
    for (change, words, way_out) in [
        ("UPDATE schema_version SET version = 99", "unsupported version 99", "Use a newer mock-server"),
        ("ALTER TABLE schema_version RENAME TO songs", "another program", "--database"),
    ] {
        let Some(location) = postgres_location() else { return };
        let store = Store::open(&location).unwrap();
        store.write(move |tx| tx.execute(change, &[])).await.unwrap();
        let refused = Store::open(&location).err().map(|error| error.to_string()).unwrap_or_default();
        let lines: Vec<_> = refused.lines().collect();
        let [first, second] = lines[..] else { panic!("{refused:?}") };
        assert!(first.contains(words) && second.contains(way_out), "{refused}");
    }
}

#[tokio::test]
async fn files_persist_and_newer_or_invalid_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let location = Location::File(path.clone());
    put(&Store::open(&location).unwrap(), "n", "v").await.unwrap();
    assert_eq!(get(&Store::open(&location).unwrap(), "n").await.as_deref(), Some("v"));

    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Store::open(&location), Err(StoreError::TooNew { found: 99, .. })));

    let text = private_file(
        &folder.path().join("text.db"),
        b"this is no database, but long enough to be read as one",
    );
    assert!(matches!(Store::open(&Location::File(text)), Err(StoreError::Open { .. })));
    let nowhere = Location::File(folder.path().join("no/such/folder.db"));
    let message = Store::open(&nowhere).err().map(|error| error.to_string()).unwrap();
    assert!(message.contains("no/such") && message.contains("--database"), "{message}");
}
