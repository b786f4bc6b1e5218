//! Files that are no database of this program, or no longer: refused at start, and told while running.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{get, private_file, put};
use crate::store::{Condition, Location, Store, StoreError, settings};

/// A closed database with some content, without a WAL.
fn database(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = Store::open(&Location::File(path.to_owned())).unwrap();
    for n in 0..50 {
        runtime.block_on(put(&store, &format!("n{n}"), &"v".repeat(1000))).unwrap();
    }
    drop(store);
    wait_until_closed(path);
}

/// Waits for the threads of a dropped store: the connection that is closed last removes the WAL. Until then, what is spoilt
/// would be the file of an open database, of which SQLite keeps a part in memory for the whole process.
fn wait_until_closed(path: &Path) {
    let wal = wal_of(path);
    let begun = Instant::now();
    while wal.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} remains", wal.display());
        // Of two that are closed at once, neither may be the last.
        execute(path, "SELECT count(*) FROM settings");
        thread::yield_now();
    }
}

fn wal_of(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    wal.into()
}

fn execute(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn overwrite(path: &Path, at: u64, length: usize) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&vec![0xa5; length]).unwrap();
    file.sync_all().unwrap();
}

fn truncate(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// Each is refused with one line that says what it is, and one that says what to do.
#[test]
fn unusable_files_are_refused_with_a_way_out() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil, &str, &str); 13] = [
        ("a folder", |path| fs::create_dir(path).unwrap(), "is not a regular file", "--database"),
        (
            "a pipe",
            |path| rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap(),
            "is not a regular file",
            "--database",
        ),
        (
            "a link to a device",
            |path| symlink("/dev/zero", path).unwrap(),
            "is not a regular file",
            "--database",
        ),
        (
            "a link to nothing",
            |path| symlink("nothing", path).unwrap(),
            "cannot create or read",
            "--database",
        ),
        (
            "text",
            |path| drop(private_file(path, &[b'x'; 5000])),
            "file is not a database",
            "Move the file away",
        ),
        (
            "a beginning",
            |path| {
                database(path);
                truncate(path, 700);
            },
            "",
            "Restore a backup",
        ),
        (
            "a half",
            |path| {
                database(path);
                let length = fs::metadata(path).unwrap().len();
                truncate(path, length / 2);
            },
            "malformed",
            "Restore a backup",
        ),
        (
            "a lost page",
            |path| {
                database(path);
                overwrite(path, 4096 * 4, 4096 * 8);
            },
            "damaged",
            "Restore a backup",
        ),
        (
            "a lost schema",
            |path| {
                database(path);
                overwrite(path, 100, 3000);
            },
            "malformed",
            "Restore a backup",
        ),
        (
            "a newer version",
            |path| {
                database(path);
                execute(path, "PRAGMA user_version = 99");
            },
            "unsupported version 99",
            "Use a newer mock-server",
        ),
        (
            "an older version with newer tables",
            |path| {
                database(path);
                execute(path, "PRAGMA user_version = 1");
            },
            "does not have the tables of its version 1",
            "Restore a backup",
        ),
        (
            "another program's",
            |path| {
                private_file(path, b"");
                execute(path, "CREATE TABLE songs (id)");
            },
            "another program",
            "--database",
        ),
        (
            "a WAL that is a folder",
            |path| {
                database(path);
                let mut builder = fs::DirBuilder::new();
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700).create(wal_of(path)).unwrap();
            },
            "cannot open the database",
            "Check that the file",
        ),
    ];
    for (kind, spoil, problem, way_out) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plane.db");
        spoil(&path);
        let refused = Store::open(&Location::File(path)).err();
        let told = refused.map(|error| error.to_string()).unwrap_or_default();
        let lines: Vec<_> = told.lines().collect();
        let [first, second] = lines[..] else { panic!("{kind}: {told:?}") };
        assert!(first.contains("plane.db") && first.contains(problem), "{kind}: {told}");
        assert!(second.contains(way_out), "{kind}: {told}");
        for sql in ["SELECT", "CREATE", "ALTER", "PRAGMA", "INSERT"] {
            assert!(!told.contains(sql), "{kind}: {told}");
        }
    }
}

/// Copies the files as a crash leaves them, and spoils the WAL.
fn crash(database: &Path, spoil: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("{}{suffix}", database.display());
        fs::copy(&name, folder.path().join(Path::new(&name).file_name().unwrap())).unwrap();
    }
    spoil(&folder.path().join("plane.db-wal"));
    folder
}

const SPOILT_WALS: [fn(&Path); 4] = [
    |wal| truncate(wal, fs::metadata(wal).unwrap().len() - 100),
    |wal| truncate(wal, 40),
    |wal| truncate(wal, 0),
    |wal| overwrite(wal, 0, 200),
];

#[tokio::test]
async fn a_spoilt_wal_is_no_obstacle_to_what_the_database_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let content = path.clone();
    tokio::task::spawn_blocking(move || database(&content)).await.unwrap();
    let store = Store::open(&Location::File(path.clone())).unwrap();
    put(&store, "in the WAL", "v").await.unwrap();
    for spoil in SPOILT_WALS {
        let crashed = crash(&path, spoil);
        let reopened = Store::open(&Location::File(crashed.path().join("plane.db"))).unwrap();
        put(&reopened, "after", "v").await.unwrap();
        assert!(get(&reopened, "n7").await.is_some());
        assert_eq!(reopened.problem(), None);
    }
}

/// A young database is in its WAL alone.
#[tokio::test]
async fn a_database_without_its_wal_is_empty_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let store = Store::open(&Location::File(path.clone())).unwrap();
    put(&store, "in the WAL", "v").await.unwrap();
    for spoil in SPOILT_WALS {
        let crashed = crash(&path, spoil);
        match Store::open(&Location::File(crashed.path().join("plane.db"))) {
            Ok(reopened) => put(&reopened, "after", "v").await.unwrap(),
            Err(refused) => assert!(refused.to_string().contains("\nRestore a backup"), "{refused}"),
        }
    }
}

#[tokio::test]
async fn a_removed_or_replaced_file_takes_no_more_writes() {
    for replaced in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plane.db");
        let store = Store::open(&Location::File(path.clone())).unwrap();
        put(&store, "before", "v").await.unwrap();
        assert_eq!(store.problem(), None);
        let aside = folder.path().join("aside.db");
        fs::rename(&path, &aside).unwrap();
        if replaced {
            fs::copy(&aside, &path).unwrap();
        }
        assert_eq!(store.problem(), Some(Condition::Moved));
        let refused = put(&store, "after", "v").await;
        assert!(matches!(refused, Err(StoreError::Unavailable(Condition::Moved))), "{refused:?}");
        fs::rename(&aside, &path).unwrap();
        assert_eq!(store.problem(), None);
        put(&store, "after", "v").await.unwrap();
    }
}

#[tokio::test]
async fn damage_found_while_running_is_told_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let spoilt = path.clone();
    tokio::task::spawn_blocking(move || database(&spoilt)).await.unwrap();
    let store = Store::open(&Location::File(path.clone())).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    overwrite(&path, 4096, usize::try_from(length - 4096).unwrap());
    assert_eq!(store.problem(), None, "the beginning is sound, and nothing was read");
    let read = store.read(|tx| settings::get(tx, "n7")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(Condition::Damaged))), "{read:?}");
    assert_eq!(store.problem(), Some(Condition::Damaged));

    let store = Store::open(&Location::Memory).unwrap();
    assert_eq!(store.problem(), None);
}

#[tokio::test]
async fn an_overwritten_or_emptied_file_is_told_although_the_cache_hides_it() {
    for spoil in [|path: &Path| overwrite(path, 0, 512), |path: &Path| truncate(path, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plane.db");
        let store = Store::open(&Location::File(path.clone())).unwrap();
        put(&store, "n", "v").await.unwrap();
        store.read(|tx| settings::get(tx, "n")).await.unwrap();
        spoil(&path);
        assert_eq!(store.problem(), Some(Condition::Damaged));
    }
}
