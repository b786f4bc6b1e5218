//! The threads that own the connections: one writer, and readers that connect as they are needed.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::address::Address;
use super::batch::Writer;
use super::gather::Batch;
use super::listener;
use super::migration::{self, Schema};
use super::session::{Limits, Session};
use crate::store::deadline::JOB_TIMEOUT;
use crate::store::health::Health;
use crate::store::job::{Job, execute};
use crate::store::notification::Notifications;
use crate::store::{Condition, StoreError};

const READERS: usize = 2;
/// More than one caller may run at once; see [`crate::control::lists`].
const LIST_READERS: usize = 3;
/// How long a list may take, whose cost its caller chooses.
const LIST_TIMEOUT: Duration = Duration::from_secs(2);
/// Limits how long the first writer of a batch waits for the last.
const MAX_BATCH: usize = 128;
/// How long a start waits for another replica's migrations.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(60);
/// After this, a reader returns its connection to the database, which has not many.
const IDLE_CONNECTION: Duration = Duration::from_secs(10);

/// Its statements all search in indexes. Plans that were made while the tables were small would read them whole, and
/// plans made for each batch anew take longer than they save.
const WRITER_SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off";

/// The queues of the threads, which end with them.
pub(in crate::store) struct Queues {
    pub(in crate::store) writes: mpsc::Sender<Job>,
    pub(in crate::store) reads: mpsc::Sender<Job>,
    pub(in crate::store) lists: mpsc::Sender<Job>,
    /// Stops listening to other replicas when it is dropped.
    pub(in crate::store) listening: oneshot::Sender<()>,
}

/// A connection that is opened again after it was lost.
struct Reconnecting {
    address: Address,
    limits: Limits,
    settings: &'static str,
    session: Option<Session>,
}

/// Connects, migrates the database to the current version, and starts the threads.
pub(in crate::store) fn start(
    address: &Address,
    lock_timeout: Duration,
    notifications: &Notifications,
    health: &Arc<Health>,
) -> Result<Queues, StoreError> {
    let limits = Limits { statement: JOB_TIMEOUT, lock: lock_timeout };
    // Not in this thread, which may serve other futures.
    let opening = thread::scope(|scope| scope.spawn(|| open(address, limits)).join());
    let (schema, writer) = opening.map_err(|_| StoreError::Stopped)??;
    let (writes, jobs) = mpsc::channel();
    let (notify, writer_health, writer_schema) = (notifications.clone(), Arc::clone(health), schema.clone());
    spawn("store-writer", move || write_loop(writer, &writer_schema, &writer_health, &jobs, &notify))?;

    let (listening, stopped) = oneshot::channel();
    let (address_to_hear, notify) = (address.clone(), notifications.clone());
    spawn("store-listener", move || {
        listener::listen(&address_to_hear, &schema.channel, &notify, stopped);
    })?;
    Ok(Queues {
        writes,
        reads: readers("store-reader", READERS, address, limits, health)?,
        lists: readers(
            "store-lister",
            LIST_READERS,
            address,
            Limits { statement: LIST_TIMEOUT, ..limits },
            health,
        )?,
        listening,
    })
}

fn open(address: &Address, limits: Limits) -> Result<(Schema, Reconnecting), StoreError> {
    let migrating = Limits { statement: MIGRATION_TIMEOUT, lock: MIGRATION_TIMEOUT };
    let schema = migration::apply(&mut Session::open(address, migrating)?, address)?;
    let mut writer =
        Reconnecting { address: address.clone(), limits, settings: WRITER_SETTINGS, session: None };
    writer.session()?;
    Ok((schema, writer))
}

fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(body);
    started.map(drop).map_err(|source| StoreError::Thread { name, source })
}

/// Starts threads that share a queue, each with a connection of its own.
fn readers(
    name: &'static str,
    number: usize,
    address: &Address,
    limits: Limits,
    health: &Arc<Health>,
) -> Result<mpsc::Sender<Job>, StoreError> {
    let (sender, jobs) = mpsc::channel();
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..number {
        let reader = Reconnecting { address: address.clone(), limits, settings: "", session: None };
        let (jobs, health) = (Arc::clone(&jobs), Arc::clone(health));
        spawn(name, move || read_loop(reader, &health, &jobs))?;
    }
    Ok(sender)
}

fn write_loop(
    mut writer: Reconnecting,
    schema: &Schema,
    health: &Health,
    jobs: &mpsc::Receiver<Job>,
    notifications: &Notifications,
) {
    let mut late = VecDeque::new();
    let mut expected = 1;
    while let Some(first) = late.pop_front().or_else(|| jobs.recv().ok().map(Job::into_work)) {
        let mut next = || late.pop_front().or_else(|| jobs.try_recv().ok().map(Job::into_work));
        let mut batch = Batch::new(first, &mut next, MAX_BATCH, expected);
        let begun = writer.begin_with(|session| {
            session.begin_batch(&schema.begin, async |client, question, begin| {
                batch.begin(client, question, begin).await
            })
        });
        match begun {
            Ok(session) => {
                let (queued, later) = batch.into_turns();
                expected = queued.len();
                Writer { schema, health, notifications }.run(session, queued);
                later.into_iter().rev().for_each(|job| late.push_front(job));
            }
            Err(condition) => {
                tracing::error!(%condition, way_out = condition.way_out(), "database transaction did not begin");
                // What queued up meanwhile fails now, instead of waiting for the database again.
                batch.into_all().for_each(|job| job.reply(Some(StoreError::Unavailable(condition))));
            }
        }
    }
}

fn read_loop(mut reader: Reconnecting, health: &Health, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE_CONNECTION);
        match next {
            Ok(job) => read(&mut reader, health, job),
            Err(RecvTimeoutError::Timeout) => reader.session = None,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Runs a job that changes nothing, unless its caller has gone.
fn read(reader: &mut Reconnecting, health: &Health, job: Job) {
    let mut work = job.into_work();
    let abandoned = work.abandoned();
    if abandoned.load(Ordering::Relaxed) {
        return;
    }
    let failure = match reader.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") {
        Ok(session) => {
            session.watch(Some(abandoned));
            execute(&mut *session, work.as_mut(), false, health);
            session.watch(None);
            let _ = session.run("ROLLBACK");
            None
        }
        Err(condition) => Some(StoreError::Unavailable(condition)),
    };
    work.reply(failure);
}

impl Reconnecting {
    fn session(&mut self) -> Result<&mut Session, StoreError> {
        let open = self.session.take().filter(|session| !session.is_closed());
        let session = match open {
            Some(session) => session,
            None => {
                let mut session = Session::open(&self.address, self.limits)?;
                session.run(self.settings)?;
                session
            }
        };
        Ok(self.session.insert(session))
    }

    fn begin(&mut self, statement: &str) -> Result<&mut Session, Condition> {
        self.begin_with(|session| session.run(statement))
    }

    /// Begins a transaction, on a new connection if the present one turns out to be lost.
    fn begin_with(
        &mut self,
        mut begin: impl FnMut(&mut Session) -> Result<(), tokio_postgres::Error>,
    ) -> Result<&mut Session, Condition> {
        for _ in 0..2 {
            let session = self.session().map_err(|error| unavailable(&error))?;
            match begin(session) {
                Ok(()) => break,
                Err(error) if error.as_db_error().is_none() => self.session = None,
                Err(error) => {
                    // The server ended the connection, or the lock was not to be had: the transaction is void.
                    self.session = None;
                    let condition = unavailable(&error.into());
                    if condition != Condition::Disconnected {
                        return Err(condition);
                    }
                }
            }
        }
        self.session.as_mut().ok_or(Condition::Disconnected)
    }
}

fn unavailable(error: &StoreError) -> Condition {
    match error {
        StoreError::Unavailable(condition) | StoreError::Connect { condition, .. } => *condition,
        _ => Condition::Unreachable,
    }
}
