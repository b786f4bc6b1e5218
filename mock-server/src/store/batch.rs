//! Group commit: a batch of jobs in one transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;

use super::StoreError;
use super::deadline::{Deadline, JOB_TIMEOUT};
use super::health::Health;
use super::job::{Executed, Job, Work, execute};
use super::notification::Notifications;

/// Runs a batch in one transaction, with a savepoint around each write so that it can be rolled back alone. Notifies of
/// what changed, then replies to all callers.
///
/// # Errors
/// The transaction could not begin, and no job ran.
pub(super) fn run(
    connection: &Connection,
    deadline: &Deadline,
    health: &Health,
    batch: Vec<Job>,
    notifications: &Notifications,
) -> Result<(), Arc<rusqlite::Error>> {
    let begin = if batch.iter().any(Job::writes) { "BEGIN IMMEDIATE" } else { "BEGIN" };
    if let Err(error) = statement(connection, begin) {
        let error = Arc::new(error);
        fail(batch, || StoreError::from(Arc::clone(&error)));
        return Err(error);
    }
    let alone = batch.len() == 1;
    let mut outcome = Outcome::default();
    let mut replies: Vec<Box<dyn Work>> = Vec::with_capacity(batch.len());
    for job in batch {
        let writable = job.writes();
        let mut work = job.into_work();
        if outcome.failure.is_none() {
            let started = deadline.start(JOB_TIMEOUT, None);
            outcome.add(run_one(connection, work.as_mut(), writable, writable && !alone, health));
            drop(started);
        }
        replies.push(work);
    }
    let failure = outcome.end(connection);
    match &failure {
        Some(error) => {
            let error = StoreError::from(Arc::clone(error));
            health.note(&error);
            tracing::error!(%error, "database transaction failed");
        }
        None => outcome.notices.iter().for_each(|org_id| notifications.notify(org_id)),
    }
    for work in replies {
        work.reply(failure.clone().map(StoreError::from));
    }
    Ok(())
}

/// Replies to jobs that were not run.
pub(super) fn fail(jobs: impl IntoIterator<Item = Job>, failure: impl Fn() -> StoreError) {
    for job in jobs {
        job.into_work().reply(Some(failure()));
    }
}

#[derive(Default)]
struct Outcome {
    failure: Option<Arc<rusqlite::Error>>,
    /// Whether a job made changes to commit.
    kept: bool,
    notices: BTreeSet<String>,
}

impl Outcome {
    fn add(&mut self, executed: Result<Executed, rusqlite::Error>) {
        match executed {
            Ok(executed) if executed.keep => {
                self.kept = true;
                self.notices.extend(executed.notices);
            }
            Ok(_) => {}
            Err(error) => self.failure = Some(Arc::new(error)),
        }
    }

    /// Commits if all went well and there is something to commit, and rolls back otherwise.
    fn end(&mut self, connection: &Connection) -> Option<Arc<rusqlite::Error>> {
        if self.failure.is_none() && self.kept {
            self.failure = statement(connection, "COMMIT").err().map(Arc::new);
        }
        if !connection.is_autocommit() {
            let _ = statement(connection, "ROLLBACK");
        }
        self.failure.clone()
    }
}

fn run_one(
    connection: &Connection,
    work: &mut dyn Work,
    writable: bool,
    guarded: bool,
    health: &Health,
) -> Result<Executed, rusqlite::Error> {
    if guarded {
        statement(connection, "SAVEPOINT job")?;
    }
    let executed = execute(connection, work, writable, health);
    // On some errors, such as a full disk, SQLite ends the whole transaction: what follows would commit by itself.
    if connection.is_autocommit() {
        return Err(rolled_back());
    }
    if guarded {
        if !executed.keep {
            statement(connection, "ROLLBACK TO job")?;
        }
        statement(connection, "RELEASE job")?;
    }
    Ok(executed)
}

fn rolled_back() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
    rusqlite::Error::SqliteFailure(code, None)
}

fn statement(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
