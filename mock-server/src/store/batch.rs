//! Group commit: a batch of jobs in one transaction.
//!
//! A savepoint around each job would let each be rolled back alone, but SQLite then copies every page that a job changes
//! into a journal of the savepoint. Failures after a change are rare, so the batch first runs without: if a job fails
//! after it has changed something, the transaction is rolled back and all jobs run again, each in a savepoint.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};

use rusqlite::Connection;

use super::StoreError;
use super::deadline::{Deadline, JOB_TIMEOUT};
use super::health::Health;
use super::job::{Executed, Job, Work, execute};
use super::notification::Notifications;

/// The connection of the writer, and what belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Writer<'w> {
    pub(super) connection: &'w Connection,
    pub(super) deadline: &'w Deadline,
    pub(super) health: &'w Health,
    pub(super) notifications: &'w Notifications,
}

/// A batch whose transaction could not begin: no job had an effect, and no caller has been answered.
pub(super) struct NotBegun {
    error: Arc<rusqlite::Error>,
    batch: Vec<Member>,
}

/// Why a batch was not committed.
enum Undone {
    /// The transaction could not begin, and no job ran.
    NotBegun(Arc<rusqlite::Error>),
    /// A job failed after it had changed something, or ended the transaction; the jobs after it did not run.
    Spoilt,
    Failed(Arc<rusqlite::Error>),
}

struct Member {
    work: Box<dyn Work>,
    /// Whether its last run failed for a reason that does not rest on uncommitted changes of others.
    failed_by_itself: bool,
}

impl Writer<'_> {
    /// Runs a batch in one transaction, in which each job can fail alone. Notifies of what changed, then replies to all
    /// callers.
    ///
    /// # Errors
    /// The transaction could not begin; the callers are yet to be answered.
    pub(super) fn run(self, batch: Vec<Job>) -> Result<(), NotBegun> {
        let member = |job: Job| Member { work: job.into_work(), failed_by_itself: false };
        let mut batch: Vec<Member> = batch.into_iter().map(member).collect();
        let done = match self.attempt(&mut batch, false) {
            Err(Undone::Spoilt) => self.attempt(&mut batch, true),
            done => done,
        };
        let failure = match done {
            Ok(notices) => {
                notices.iter().for_each(|org_id| self.notifications.notify(org_id));
                None
            }
            Err(Undone::NotBegun(error)) => return Err(NotBegun { error, batch }),
            Err(Undone::Spoilt) => Some(Arc::new(rolled_back())),
            Err(Undone::Failed(error)) => Some(error),
        };
        if let Some(error) = &failure {
            let error = StoreError::from(Arc::clone(error));
            self.health.note(&error);
            tracing::error!(%error, "database transaction failed");
        }
        reply(batch, failure.as_ref());
        Ok(())
    }

    /// Runs all jobs and commits; returns the organisations whose map changed. Nothing is left of a failed attempt.
    fn attempt(self, batch: &mut [Member], guarded: bool) -> Result<BTreeSet<String>, Undone> {
        batch.iter_mut().for_each(|member| member.failed_by_itself = false);
        let begun = statement(self.connection, "BEGIN IMMEDIATE");
        begun.map_err(|error| Undone::NotBegun(Arc::new(error)))?;
        let done = match self.run_all(batch, guarded) {
            Ok(Some(notices)) => {
                let committed = statement(self.connection, "COMMIT");
                committed.map(|()| notices).map_err(|error| Undone::Failed(Arc::new(error)))
            }
            Ok(None) => Ok(BTreeSet::new()),
            Err(undone) => Err(undone),
        };
        if !self.connection.is_autocommit() {
            let _ = statement(self.connection, "ROLLBACK");
        }
        done
    }

    /// Returns `None` if no job wants its changes kept.
    fn run_all(self, batch: &mut [Member], guarded: bool) -> Result<Option<BTreeSet<String>>, Undone> {
        let alone = batch.len() == 1;
        let unchanged = self.connection.total_changes();
        let mut kept: Option<BTreeSet<String>> = None;
        for member in batch {
            let before = self.connection.total_changes();
            let started = self.deadline.start(JOB_TIMEOUT, None);
            let executed = self.run_one(member.work.as_mut(), guarded);
            drop(started);
            let executed = executed.map_err(|error| Undone::Failed(Arc::new(error)))?;
            // On some errors, such as a full disk, SQLite ends the whole transaction: what follows would commit by itself.
            let ended = self.connection.is_autocommit();
            member.failed_by_itself = !executed.keep && (before == unchanged || ended);
            let spoilt = !executed.keep && self.connection.total_changes() != before;
            if ended || spoilt && !guarded && !alone {
                return Err(Undone::Spoilt);
            }
            if executed.keep {
                kept.get_or_insert_default().extend(executed.notices);
            }
        }
        Ok(kept)
    }

    fn run_one(self, work: &mut dyn Work, guarded: bool) -> Result<Executed, rusqlite::Error> {
        if guarded {
            statement(self.connection, "SAVEPOINT job")?;
        }
        let executed = execute(self.connection, work, true, self.health);
        if guarded && !self.connection.is_autocommit() {
            if !executed.keep {
                statement(self.connection, "ROLLBACK TO job")?;
            }
            statement(self.connection, "RELEASE job")?;
        }
        Ok(executed)
    }
}

impl NotBegun {
    /// Fails the batch and what has queued up meanwhile, instead of waiting for the lock again. What its callers send
    /// after their answer waits for the lock itself.
    pub(super) fn fail(self, queued: &mpsc::Receiver<Job>) {
        let failure = || StoreError::from(Arc::clone(&self.error));
        tracing::error!(error = %failure(), "database transaction did not begin");
        let queued: Vec<Job> = queued.try_iter().collect();
        reply(self.batch, Some(&self.error));
        fail(queued, failure);
    }
}

/// Replies to jobs that were not run.
pub(super) fn fail(jobs: impl IntoIterator<Item = Job>, failure: impl Fn() -> StoreError) {
    for job in jobs {
        job.into_work().reply(Some(failure()));
    }
}

fn reply(batch: Vec<Member>, failure: Option<&Arc<rusqlite::Error>>) {
    for member in batch {
        let failure = failure.filter(|_| !member.failed_by_itself);
        member.work.reply(failure.map(|error| StoreError::from(Arc::clone(error))));
    }
}

fn rolled_back() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
    rusqlite::Error::SqliteFailure(code, None)
}

fn statement(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
