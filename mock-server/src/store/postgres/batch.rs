//! Group commit: a batch of jobs in one transaction, which excludes those of other replicas.

use std::collections::BTreeSet;

use super::migration::Schema;
use super::session::Session;
use crate::store::health::Health;
use crate::store::job::{Executed, Job, Work, execute};
use crate::store::notification::Notifications;
use crate::store::{Condition, StoreError};

/// Runs a batch in the transaction that has begun, with a savepoint around each write so that it can be rolled back
/// alone. Notifies of what changed, here and in other replicas, then replies to all callers.
pub(super) fn run(
    session: &mut Session,
    schema: &Schema,
    health: &Health,
    batch: Vec<Job>,
    notifications: &Notifications,
) {
    let alone = batch.len() == 1;
    let mut outcome = Outcome::default();
    let mut replies: Vec<Box<dyn Work>> = Vec::with_capacity(batch.len());
    for job in batch {
        let writable = job.writes();
        let mut work = job.into_work();
        if outcome.failure.is_none() {
            outcome.add(run_one(session, work.as_mut(), writable, !alone, health));
        }
        replies.push(work);
    }
    let failure = outcome.end(session, schema);
    match &failure {
        Some(condition) => tracing::error!(%condition, "database transaction failed"),
        None => outcome.notices.iter().for_each(|org_id| notifications.notify(org_id)),
    }
    for work in replies {
        work.reply(failure.map(StoreError::Unavailable));
    }
}

#[derive(Default)]
struct Outcome {
    failure: Option<Condition>,
    /// Whether a job made changes to commit.
    kept: bool,
    notices: BTreeSet<String>,
}

impl Outcome {
    fn add(&mut self, executed: Result<Executed, StoreError>) {
        match executed {
            Ok(executed) if executed.keep => {
                self.kept = true;
                self.notices.extend(executed.notices);
            }
            Ok(_) => {}
            Err(error) => self.failure = Some(condition(&error)),
        }
    }

    /// Commits if all went well and there is something to commit, and rolls back otherwise.
    fn end(&mut self, session: &mut Session, schema: &Schema) -> Option<Condition> {
        if self.failure.is_some() || !self.kept {
            if session.run("ROLLBACK").is_err() {
                self.failure = self.failure.or(Some(Condition::Disconnected));
            }
            return self.failure;
        }
        let committed = session.run(&format!("{}COMMIT", self.notify(schema)));
        self.failure = committed.err().map(|error| match error.as_db_error() {
            Some(_) => condition(&error.into()),
            // The answer was lost, and not necessarily the commit.
            None => Condition::Uncertain,
        });
        self.failure
    }

    /// Statements that tell other replicas, once the transaction is committed.
    fn notify(&self, schema: &Schema) -> String {
        let mut sql = String::new();
        for org_id in &self.notices {
            let org_id = org_id.replace('\'', "''");
            sql.push_str(&format!("SELECT pg_notify('{}', '{org_id}'); ", schema.channel));
        }
        sql
    }
}

fn run_one(
    session: &mut Session,
    work: &mut dyn Work,
    writable: bool,
    guarded: bool,
    health: &Health,
) -> Result<Executed, StoreError> {
    if guarded {
        session.run("SAVEPOINT job")?;
    }
    session.begin_job();
    let executed = execute(&mut *session, work, writable, health);
    let state = session.job_state();
    if guarded {
        session.run(if executed.keep && !state.failed {
            "RELEASE job"
        } else {
            "ROLLBACK TO job; RELEASE job"
        })?;
    }
    Ok(executed)
}

/// Why a transaction failed, as those are told whose jobs it had.
fn condition(error: &StoreError) -> Condition {
    match error {
        StoreError::Unavailable(condition) => *condition,
        _ => Condition::RolledBack,
    }
}
