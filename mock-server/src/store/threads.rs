//! The threads that own the connections: one writer, and several readers for a file.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::notification::{Listener, Notifications};
use super::{Location, StoreError, Tx, migration};

const READERS: usize = 2;
/// Limits how long the first writer of a batch waits for the last.
const MAX_BATCH: usize = 128;
const STATEMENT_CACHE_SIZE: usize = 128;
/// Fits the indexes of several hundred thousand machines, so that registrations read no page twice.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

/// Sends the result to the caller; the argument is the error of the commit, if it failed.
type Reply = Box<dyn FnOnce(Option<StoreError>) + Send>;
/// Runs a job; returns whether to keep its changes, and how to reply to the caller.
type Work = Box<dyn FnOnce(&mut Tx<'_>) -> (bool, Reply) + Send>;

/// Executed work that is not committed yet.
struct Executed {
    keep: bool,
    reply: Reply,
    /// The organisations whose network map it changed.
    notices: Vec<String>,
}

enum Job {
    Read(Work),
    Write(Work),
}

#[derive(Clone)]
pub(super) struct Threads {
    writes: mpsc::Sender<Job>,
    reads: mpsc::Sender<Job>,
    notifications: Notifications,
}

impl Threads {
    pub(super) fn start(location: &Location) -> Result<Self, StoreError> {
        let writer = match location {
            Location::Memory => migration::in_memory()?,
            Location::File(path) => {
                let mut writer = open_file(path)?;
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
            let reader = open_file(path)?;
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

async fn submit<T, E>(
    queue: &mpsc::Sender<Job>,
    kind: fn(Work) -> Job,
    job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let work: Work = Box::new(move |tx| {
        let outcome = job(tx);
        let keep = outcome.is_ok();
        let reply: Reply = Box::new(move |failure| {
            // The caller may have given up waiting.
            let _ = sender.send(match failure {
                Some(error) if keep => Err(E::from(error)),
                _ => outcome,
            });
        });
        (keep, reply)
    });
    queue.send(kind(work)).map_err(|_| StoreError::Stopped)?;
    receiver.await.map_err(|_| StoreError::Stopped)?
}

fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .map_err(|source| StoreError::Thread { name, source })
}

fn open_file(path: &Path) -> Result<Connection, StoreError> {
    let failure = |error: rusqlite::Error| StoreError::Open { path: path.into(), source: error };
    let connection = Connection::open(path).map_err(failure)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failure)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failure)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failure)?;
    Ok(connection)
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
        let Ok(Job::Read(work) | Job::Write(work)) = next else { return };
        let begun = connection.execute_batch("BEGIN").map_err(StoreError::from);
        if let Some(executed) = execute(connection, work, false) {
            (executed.reply)(begun.err());
        }
        let _ = connection.execute_batch("ROLLBACK");
    }
}

fn write_loop(connection: &Connection, jobs: &mpsc::Receiver<Job>, notifications: &Notifications) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            let Ok(job) = jobs.try_recv() else { break };
            batch.push(job);
        }
        commit_batch(connection, batch, notifications);
    }
}

/// Runs a batch in one transaction; a savepoint around each write allows rolling it back alone.
fn commit_batch(connection: &Connection, batch: Vec<Job>, notifications: &Notifications) {
    let writes = batch.iter().any(|job| matches!(job, Job::Write(_)));
    let alone = batch.len() == 1;
    let mut failure =
        statement(connection, if writes { "BEGIN IMMEDIATE" } else { "BEGIN" }).err().map(Arc::new);
    let mut replies = Vec::with_capacity(batch.len());
    let mut kept = false;
    let mut notices = BTreeSet::new();
    for job in batch {
        let (work, writable) = match job {
            Job::Read(work) => (work, false),
            Job::Write(work) => (work, true),
        };
        let guarded = writable && !alone;
        if failure.is_none() && guarded {
            failure = statement(connection, "SAVEPOINT job").err().map(Arc::new);
        }
        let outcome = execute(connection, work, writable);
        let keep = outcome.as_ref().is_some_and(|executed| executed.keep);
        kept |= keep;
        if failure.is_none() && guarded {
            let end = if keep { Ok(()) } else { statement(connection, "ROLLBACK TO job") };
            failure = end.and_then(|()| statement(connection, "RELEASE job")).err().map(Arc::new);
        }
        if let Some(executed) = outcome {
            replies.push(executed.reply);
            if keep {
                notices.extend(executed.notices);
            }
        }
    }
    if failure.is_none() && kept {
        failure = statement(connection, "COMMIT").err().map(Arc::new);
    }
    if failure.is_some() || !kept {
        let _ = statement(connection, "ROLLBACK");
    }
    if let Some(error) = &failure {
        tracing::error!(%error, "database transaction failed");
    }
    if failure.is_none() {
        notices.iter().for_each(|org_id| notifications.notify(org_id));
    }
    for reply in replies {
        reply(failure.clone().map(StoreError::Database));
    }
}

/// Runs work; returns `None` if it panicked, so that other callers keep the connection.
fn execute(connection: &Connection, work: Work, writable: bool) -> Option<Executed> {
    let executed = catch_unwind(AssertUnwindSafe(|| {
        let mut tx = Tx::new(connection, writable);
        let (keep, reply) = work(&mut tx);
        Executed { keep, reply, notices: tx.into_notices() }
    }));
    executed.ok()
}

fn statement(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
