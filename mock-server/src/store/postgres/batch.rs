//! Group commit: a batch of jobs in one transaction, which excludes those of other replicas.
//!
//! As on SQLite, the batch first runs without savepoints, which are a round trip each, and with an [overlay](super::overlay)
//! if jobs say what they will look up. On PostgreSQL a failed statement ends the transaction, even one that only reads, and
//! then all jobs run again, each in a savepoint and without an overlay.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::cause::cause;
use super::gather::Jobs;
use super::migration::Schema;
use super::overlay::{CommitError, Notices};
use super::session::Session;
use crate::store::health::Health;
use crate::store::job::{Executed, Work, execute};
use crate::store::notification::Notifications;
use crate::store::{Condition, StoreError};

/// What belongs to the writer, besides its connection.
#[derive(Clone, Copy)]
pub(super) struct Writer<'w> {
    pub(super) schema: &'w Schema,
    pub(super) health: &'w Health,
    pub(super) notifications: &'w Notifications,
}

/// Why a batch was not committed.
enum Undone {
    /// A job failed after it had changed something, or a statement failed; the jobs after it did not run.
    Spoilt,
    Failed(Failure),
}

/// A failure of the whole transaction, which each of its callers is told.
#[derive(Clone)]
enum Failure {
    Error(Arc<tokio_postgres::Error>),
    /// The answer to the commit was lost, and not necessarily the commit.
    Uncertain,
    RolledBack,
}

struct Member {
    work: Box<dyn Work>,
    /// Whether its last run failed for a reason that does not rest on uncommitted changes of others.
    failed_by_itself: bool,
    /// Whether its last run succeeded in spite of a failed statement, so that its changes are lost.
    void: bool,
}

impl Writer<'_> {
    /// Runs a batch in the transaction that has begun, in which each job can fail alone. Notifies of what changed, here and
    /// in other replicas, then replies to all callers.
    pub(super) fn run(self, session: &mut Session, jobs: Jobs) {
        let member = |work| Member { work, failed_by_itself: false, void: false };
        let mut batch: Vec<Member> = jobs.into_iter().map(member).collect();
        if let Some(overlay) = session.overlay() {
            // Any other statement ends the overlay. Which of the waiting jobs is first is of no consequence to their callers.
            batch.sort_by_cached_key(|member| {
                !member.work.lookup().is_some_and(|lookup| overlay.covers(lookup))
            });
        }
        let done = match self.attempt(session, &mut batch, false) {
            Err(Undone::Spoilt) => session
                .run(&self.schema.begin)
                .map_err(Undone::from)
                .and_then(|()| self.attempt(session, &mut batch, true)),
            done => done,
        };
        let failure = match done {
            Ok(notices) => {
                notices.iter().for_each(|org_id| self.notifications.notify(org_id));
                None
            }
            Err(Undone::Spoilt) => Some(Failure::RolledBack),
            Err(Undone::Failed(failure)) => Some(failure),
        };
        if let Some(failure) = &failure {
            tracing::error!(error = %StoreError::from(failure.clone()), "database transaction failed");
        }
        for member in batch {
            let failure = failure.clone().filter(|_| !member.failed_by_itself);
            let failure = failure.or(member.void.then_some(Failure::RolledBack));
            member.work.reply(failure.map(StoreError::from));
        }
    }

    /// Runs all jobs and commits; returns the organisations whose map changed. Nothing is left of a failed attempt, unless
    /// the failure is [`Condition::Uncertain`].
    fn attempt(
        self,
        session: &mut Session,
        batch: &mut [Member],
        guarded: bool,
    ) -> Result<BTreeSet<String>, Undone> {
        batch.iter_mut().for_each(|member| member.failed_by_itself = false);
        match self.run_all(session, batch, guarded) {
            Ok(Some(notices)) => {
                let committed = session.commit(Notices { channel: &self.schema.channel, org_ids: &notices });
                committed.map(|()| notices).map_err(|error| match error {
                    CommitError::Deferred(error) => {
                        tracing::debug!(cause = cause(&error), "a batch runs again, statement by statement");
                        undone(session, Undone::Spoilt)
                    }
                    CommitError::Refused(error) => Undone::from(error),
                    CommitError::Uncertain => Undone::Failed(Failure::Uncertain),
                })
            }
            Ok(None) => {
                // If that fails, the end of the connection has the same effect.
                let _ = session.roll_back();
                Ok(BTreeSet::new())
            }
            Err(reason) => Err(undone(session, reason)),
        }
    }

    /// Returns `None` if no job wants its changes kept.
    fn run_all(
        self,
        session: &mut Session,
        batch: &mut [Member],
        guarded: bool,
    ) -> Result<Option<BTreeSet<String>>, Undone> {
        let alone = batch.len() == 1;
        let mut unchanged = true;
        let mut kept: Option<BTreeSet<String>> = None;
        for member in batch {
            let executed = self.run_one(session, member.work.as_mut(), guarded)?;
            let state = session.job_state();
            member.failed_by_itself = !executed.keep && (unchanged || alone) && !session.is_closed();
            member.void = executed.keep && state.failed;
            let spoilt = state.failed || !executed.keep && state.wrote;
            if spoilt && alone && !state.deferred_failed {
                return Ok(None);
            }
            if spoilt && !guarded {
                return Err(Undone::Spoilt);
            }
            if executed.keep && !member.void {
                unchanged &= !state.wrote;
                kept.get_or_insert_default().extend(executed.notices);
            }
        }
        Ok(kept)
    }

    fn run_one(self, session: &mut Session, work: &mut dyn Work, guarded: bool) -> Result<Executed, Undone> {
        if guarded {
            session.run("SAVEPOINT job")?;
        }
        session.begin_job();
        let executed = execute(&mut *session, work, true, self.health);
        if guarded {
            let keep = executed.keep && !session.job_state().failed;
            let end = if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
            session.run(end)?;
        }
        Ok(executed)
    }
}

/// Rolls back, unless the server has done so already.
fn undone(session: &mut Session, reason: Undone) -> Undone {
    session.roll_back().err().map_or(reason, Undone::from)
}

impl From<tokio_postgres::Error> for Undone {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(Failure::Error(Arc::new(error)))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Error(error) => error.into(),
            Failure::Uncertain => Self::Unavailable(Condition::Uncertain),
            Failure::RolledBack => Self::Unavailable(Condition::RolledBack),
        }
    }
}
