//! The threads that own the connections: one writer, and for a file several readers, of which some run lists alone.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::batch::Writer;
use super::deadline::{Deadline, JOB_TIMEOUT};
use super::error::Condition;
use super::health::Health;
use super::job::{Job, execute, once, submit};
use super::notification::{Listener, Notifications};
use super::postgres::{self, Address};
use super::{Location, Lookup, StoreError, Tx, batch, files, migration};

const READERS: usize = 2;
/// More than one caller may run at once; see [`crate::control::lists`].
const LIST_READERS: usize = 3;
/// How long a list may take, whose cost its caller chooses.
const LIST_TIMEOUT: Duration = Duration::from_secs(2);
/// The same in memory, where everything else waits for it.
const LIST_TIMEOUT_IN_MEMORY: Duration = Duration::from_millis(500);
/// Limits how long the first writer of a batch waits for the last.
const MAX_BATCH: usize = 128;
/// How long the check of a file for damage may take at start.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a write waits for a lock that another program has held for the whole timeout before: its clients were told to
/// try again, and shall hear soon whether that helped.
const LOCKED_TIMEOUT: Duration = Duration::from_millis(250);
const STATEMENT_CACHE_SIZE: usize = 128;
/// Fits what a batch changes. At a commit after a page split SQLite walks the whole cache, which takes longer than reading
/// pages again that the system keeps in memory.
const WRITER_CACHE_KIB: i64 = 8 * 1024;

#[derive(Clone)]
pub(super) struct Threads {
    writes: mpsc::Sender<Job>,
    reads: mpsc::Sender<Job>,
    lists: mpsc::Sender<Job>,
    notifications: Notifications,
    health: Arc<Health>,
    /// Listens to other replicas until the last clone is dropped.
    listening: Option<Arc<oneshot::Sender<()>>>,
}

impl Threads {
    pub(super) fn start(location: &Location, lock_timeout: Duration) -> Result<Self, StoreError> {
        let (writer, deadline, health) = match location {
            Location::Postgres(address) => return Self::start_postgres(address, lock_timeout),
            Location::Memory => {
                let mut writer = migration::in_memory()?;
                let deadline = prepare(&mut writer)?;
                (writer, deadline, Health::in_memory())
            }
            Location::File(path) => {
                files::create(path)?;
                let mut writer = open_file(path, lock_timeout, refuse_unsuitable)?;
                let deadline = prepare(&mut writer)?;
                migration::refuse_damaged(&writer, path, &deadline, CHECK_TIMEOUT)?;
                migration::apply_to(&mut writer, path)?;
                let health = Health::of(path);
                (writer, deadline, health.map_err(|source| StoreError::Files { path: path.clone(), source })?)
            }
        };
        let health = Arc::new(health);
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;

        let (writes, jobs) = mpsc::channel();
        let notifications = Notifications::default();
        let notify = notifications.clone();
        let health_of_writer = Arc::clone(&health);
        spawn("store-writer", move || {
            let writer = Writer {
                connection: &writer,
                deadline: &deadline,
                health: &health_of_writer,
                notifications: &notify,
            };
            write_loop(writer, lock_timeout, &jobs);
        })?;
        let Location::File(path) = location else {
            let (reads, lists) = (writes.clone(), writes.clone());
            return Ok(Self { reads, lists, writes, notifications, health, listening: None });
        };
        let open = || open_file(path, lock_timeout, |_, _| Ok(()));
        Ok(Self {
            reads: readers("store-reader", READERS, JOB_TIMEOUT, &health, open)?,
            lists: readers("store-lister", LIST_READERS, LIST_TIMEOUT, &health, open)?,
            writes,
            notifications,
            health,
            listening: None,
        })
    }

    fn start_postgres(address: &Address, lock_timeout: Duration) -> Result<Self, StoreError> {
        let notifications = Notifications::default();
        let health = Arc::new(Health::in_memory());
        let queues = postgres::start(address, lock_timeout, &notifications, &health)?;
        let postgres::Queues { writes, reads, lists, listening } = queues;
        Ok(Self { writes, reads, lists, notifications, health, listening: Some(Arc::new(listening)) })
    }

    pub(super) async fn read<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.reads, Job::Read, None, once(job)).await
    }

    pub(super) async fn list<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.lists, Job::List, None, once(job)).await
    }

    pub(super) async fn write<T, E>(
        &self,
        lookup: Option<Lookup>,
        job: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.writes, Job::Write, lookup, job).await
    }

    pub(super) fn problem(&self) -> Option<Condition> {
        self.health.problem()
    }

    pub(super) fn is_shared(&self) -> bool {
        self.listening.is_some()
    }

    pub(super) fn listen(&self, org_id: &str) -> Listener {
        self.notifications.listen(org_id)
    }
}

/// Starts threads that share a queue, each with a connection of its own.
fn readers(
    name: &'static str,
    number: usize,
    timeout: Duration,
    health: &Arc<Health>,
    open: impl Fn() -> Result<Connection, StoreError>,
) -> Result<mpsc::Sender<Job>, StoreError> {
    let (sender, jobs) = mpsc::channel();
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..number {
        let mut reader = open()?;
        let deadline = prepare(&mut reader)?;
        let (jobs, health) = (Arc::clone(&jobs), Arc::clone(health));
        spawn(name, move || read_loop(&reader, &deadline, timeout, &health, &jobs))?;
    }
    Ok(sender)
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

fn prepare(connection: &mut Connection) -> Result<Deadline, StoreError> {
    connection.pragma_update(None, "foreign_keys", true)?;
    // The control plane's image has no folder for temporary files, where large maps and migrations would be sorted.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_SIZE);
    // Without the stability guarantee, SQLite replans cached statements on each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(Deadline::install(connection)?)
}

fn read_loop(
    connection: &Connection,
    deadline: &Deadline,
    timeout: Duration,
    health: &Health,
    jobs: &Mutex<mpsc::Receiver<Job>>,
) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        read(connection, deadline, timeout, health, job);
    }
}

/// Runs a job that changes nothing, unless its caller has gone.
fn read(connection: &Connection, deadline: &Deadline, timeout: Duration, health: &Health, job: Job) {
    let mut work = job.into_work();
    let abandoned = work.abandoned();
    if abandoned.load(Ordering::Relaxed) {
        return;
    }
    let begun = connection.execute_batch("BEGIN");
    if begun.is_ok() {
        let started = deadline.start(timeout, Some(abandoned));
        execute(connection, work.as_mut(), false, health);
        drop(started);
        let _ = connection.execute_batch("ROLLBACK");
    }
    let failure = begun.err().map(StoreError::from);
    failure.iter().for_each(|error| health.note(error));
    work.reply(failure);
}

/// What a connection in memory does besides writing, once a batch is committed.
#[derive(Default)]
struct Others {
    reads: Vec<Job>,
    /// Run one at a time, after everything else that waits.
    lists: VecDeque<Job>,
}

fn write_loop(writer: Writer<'_>, lock_timeout: Duration, jobs: &mpsc::Receiver<Job>) {
    let Writer { connection, deadline, health, .. } = writer;
    let mut others = Others::default();
    let mut patience = lock_timeout;
    loop {
        let mut batch = Vec::new();
        if others.lists.is_empty() {
            let Ok(first) = jobs.recv() else { return };
            others.sort_out(first, &mut batch);
        }
        while batch.len() + others.reads.len() < MAX_BATCH {
            let Ok(job) = jobs.try_recv() else { break };
            others.sort_out(job, &mut batch);
        }
        if let Some(condition) = health.moved() {
            batch::fail(batch, || StoreError::Unavailable(condition));
        } else if !batch.is_empty() {
            let begun = writer.run(batch).map_err(|not_begun| not_begun.fail(jobs)).is_ok();
            let next = if begun { lock_timeout } else { lock_timeout.min(LOCKED_TIMEOUT) };
            // A timeout that cannot be set remains the one before.
            if next != patience && connection.busy_timeout(next).is_ok() {
                patience = next;
            }
        }
        for job in others.reads.drain(..) {
            read(connection, deadline, JOB_TIMEOUT, health, job);
        }
        if let Some(list) = others.lists.pop_front() {
            read(connection, deadline, LIST_TIMEOUT_IN_MEMORY, health, list);
        }
    }
}

impl Others {
    /// Keeps what is no write.
    fn sort_out(&mut self, job: Job, batch: &mut Vec<Job>) {
        match job {
            Job::Write(_) => batch.push(job),
            Job::Read(_) => self.reads.push(job),
            Job::List(_) => self.lists.push_back(job),
        }
    }
}
