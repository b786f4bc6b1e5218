//! The threads that own the connections: one writer, and several readers for a file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::job::{Job, execute, submit};
use super::notification::{Listener, Notifications};
use super::{Location, StoreError, Tx, batch, files, migration};

const READERS: usize = 2;
/// Limits how long the first writer of a batch waits for the last.
const MAX_BATCH: usize = 128;
const STATEMENT_CACHE_SIZE: usize = 128;
/// Fits the indexes of several hundred thousand machines, so that registrations read no page twice.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

#[derive(Clone)]
pub(super) struct Threads {
    writes: mpsc::Sender<Job>,
    reads: mpsc::Sender<Job>,
    notifications: Notifications,
}

impl Threads {
    pub(super) fn start(location: &Location, lock_timeout: Duration) -> Result<Self, StoreError> {
        let writer = match location {
            Location::Memory => migration::in_memory()?,
            Location::File(path) => {
                files::create(path)?;
                let mut writer = open_file(path, lock_timeout, refuse_unsuitable)?;
                migration::apply(&mut writer)?;
                writer
            }
        };
        prepare(&writer)?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;

        let (writes, jobs) = mpsc::channel();
        let notifications = Notifications::default();
        let notify = notifications.clone();
        spawn("store-writer", move || write_loop(&writer, &jobs, &notify))?;
        let Location::File(path) = location else {
            return Ok(Self { reads: writes.clone(), writes, notifications });
        };

        let (reads, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..READERS {
            let reader = open_file(path, lock_timeout, |_, _| Ok(()))?;
            prepare(&reader)?;
            let jobs = Arc::clone(&jobs);
            spawn("store-reader", move || read_loop(&reader, &jobs))?;
        }
        Ok(Self { writes, reads, notifications })
    }

    pub(super) async fn read<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.reads, Job::Read, job).await
    }

    pub(super) async fn write<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.writes, Job::Write, job).await
    }

    pub(super) fn listen(&self, org_id: &str) -> Listener {
        self.notifications.listen(org_id)
    }
}

fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .map_err(|source| StoreError::Thread { name, source })
}

/// Opens a file; `check` runs before anything is written to it.
fn open_file(
    path: &Path,
    lock_timeout: Duration,
    check: impl FnOnce(&Connection, &Path) -> Result<(), StoreError>,
) -> Result<Connection, StoreError> {
    let failure = |error: rusqlite::Error| StoreError::Open { path: path.into(), source: error };
    let connection = Connection::open(path).map_err(failure)?;
    connection.busy_timeout(lock_timeout).map_err(failure)?;
    check(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failure)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failure)?;
    Ok(connection)
}

fn refuse_unsuitable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    migration::refuse_foreign(connection, path)?;
    files::refuse_exposed(path)
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_SIZE);
    // Without the stability guarantee, SQLite replans cached statements on each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn read_loop(connection: &Connection, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        let mut work = job.into_work();
        let begun = connection.execute_batch("BEGIN");
        if begun.is_ok() {
            execute(connection, work.as_mut(), false);
            let _ = connection.execute_batch("ROLLBACK");
        }
        work.reply(begun.err().map(StoreError::from));
    }
}

fn write_loop(connection: &Connection, jobs: &mpsc::Receiver<Job>, notifications: &Notifications) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            let Ok(job) = jobs.try_recv() else { break };
            batch.push(job);
        }
        if let Err(error) = batch::run(connection, batch, notifications) {
            tracing::error!(%error, "database transaction did not begin");
            // What queued up meanwhile fails now, instead of waiting for the lock again.
            batch::fail(jobs.try_iter(), &error);
        }
    }
}
