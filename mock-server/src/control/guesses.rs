//! Guesses at passwords and device codes, slowed down per account and address, whichever replica they reach.
//!
//! What was wrong is counted in the database, before the client is told; a right guess writes nothing. A guess is judged
//! twice: when it arrives, together with those that this process still compares, and when its outcome is known. Many
//! guesses at the same moment at several replicas are therefore as many, and those beyond the limit are refused whether
//! they were right or not.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::audit::{self, AuditEntry};
use super::random::Repeatable;
use super::{ControlError, Random};
use crate::domain::throttle::{Delayed, Subjects, Tally};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Store, StoreError, Tx, users, wrong_guesses};

/// The guesses that this process compares at the moment, by what they count against. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct GuessLimit(Arc<Mutex<HashMap<String, u32>>>);

/// What is guessed.
#[derive(Debug, Clone)]
pub enum Secret {
    /// The password of the user with this email.
    Password { email: String },
    /// The code of a device that waits for its login, by a user who may approve it.
    DeviceCode { user_id: String },
}

/// What is guessed, by whom, and when.
#[derive(Debug, Clone)]
pub struct Guess {
    pub secret: Secret,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
    pub now: Timestamp,
}

/// A guess that was admitted, and whose outcome is not known yet.
pub struct Attempt {
    guess: Guess,
    store: Store,
    random: Random,
    open: Open,
}

/// An entry of the guesses that are compared, removed on drop.
struct Open {
    limit: GuessLimit,
    subjects: Subjects,
}

/// The end of a transaction that counts.
enum Settled<T> {
    Right(T),
    Wrong(Refusal),
    Delayed(Delayed),
}

impl GuessLimit {
    /// Admits a guess, which counts as wrong in this process until it is settled.
    ///
    /// # Errors
    /// 429 RATE_LIMITED with the seconds to wait. The first one of an account and address is in the audit log of the
    /// user's organisations.
    pub async fn begin(&self, guess: Guess, store: &Store, random: &Random) -> Result<Attempt, ControlError> {
        let subjects = Subjects::of(&guess.secret.account(), guess.address);
        let (of, now) = (subjects.clone(), guess.now);
        let tally = store.read(move |tx| wrong_guesses::tally(tx, &of, now)).await?;
        if let Err(delayed) = tally.admit(now) {
            return Err(refuse(delayed, &guess, &subjects, store, random).await);
        }
        let open = self.open(subjects, tally, now)?;
        Ok(Attempt { guess, store: store.clone(), random: random.clone(), open })
    }

    fn open(&self, subjects: Subjects, tally: Tally, now: Timestamp) -> Result<Open, Refusal> {
        let mut open = self.lock();
        let counts = subjects.each().map(|subject| open.get(subject).copied().unwrap_or(0));
        if let Err(delayed) = tally.with_open(counts, now).admit(now) {
            return Err(Refusal::RateLimited { retry_after_seconds: delayed.retry_after_seconds });
        }
        for subject in subjects.each() {
            *open.entry(subject.to_owned()).or_insert(0) += 1;
        }
        drop(open);
        Ok(Open { limit: self.clone(), subjects })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// Counts a refusal as a wrong guess. Returns the outcome, unless guesses elsewhere have used up the limit meanwhile.
    ///
    /// # Errors
    /// The outcome's, or 429 RATE_LIMITED.
    pub async fn settle<T>(self, outcome: Result<T, ControlError>) -> Result<T, ControlError> {
        let refusal = match &outcome {
            Ok(_) => None,
            Err(ControlError::Refused(refusal)) => Some(refusal.clone()),
            Err(ControlError::Store(_)) => return outcome,
        };
        // Read before anything is written, so that the time does not tell a right guess that comes too late from a wrong one.
        let (subjects, now) = (self.open.subjects.clone(), self.guess.now);
        let tally = self.store.read(move |tx| wrong_guesses::tally(tx, &subjects, now)).await?;
        if let Err(delayed) = tally.admit(now) {
            return Err(self.refuse(delayed).await);
        }
        if refusal.is_none() && tally.pair.is_none() {
            return outcome;
        }
        let settled = self.settle_in(move |_| match &refusal {
            None => Ok(()),
            Some(refusal) => Err(refusal.clone().into()),
        });
        match settled.await {
            // Whoever knows the password gets in; the guesses before are forgotten with the time.
            Err(ControlError::Store(error)) if outcome.is_ok() => {
                tracing::warn!(%error, "wrong guesses were not forgotten");
                outcome
            }
            settled => settled.and(outcome),
        }
    }

    /// Runs a job that is refused if the guess was wrong, in one transaction with the count. A job that is refused must not
    /// have changed anything.
    ///
    /// # Errors
    /// The job's, or 429 RATE_LIMITED.
    pub async fn settle_in<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx<'_>) -> Result<T, ControlError> + Send + 'static,
    ) -> Result<T, ControlError> {
        let (subjects, now) = (self.open.subjects.clone(), self.guess.now);
        let settled = self.store.write(move |tx| {
            let tally = wrong_guesses::tally(tx, &subjects, now)?;
            if let Err(delayed) = tally.admit(now) {
                return Ok(Settled::Delayed(delayed));
            }
            match job(tx) {
                Ok(done) => {
                    if tally.pair.is_some() {
                        wrong_guesses::forget_pair(tx, &subjects)?;
                    }
                    Ok(Settled::Right(done))
                }
                Err(ControlError::Refused(refusal)) => {
                    wrong_guesses::count(tx, &subjects, now)?;
                    Ok(Settled::Wrong(refusal))
                }
                Err(failure) => Err(failure),
            }
        });
        match settled.await? {
            Settled::Right(done) => Ok(done),
            Settled::Wrong(refusal) => Err(refusal.into()),
            Settled::Delayed(delayed) => Err(self.refuse(delayed).await),
        }
    }

    async fn refuse(&self, delayed: Delayed) -> ControlError {
        refuse(delayed, &self.guess, &self.open.subjects, &self.store, &self.random).await
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.limit.lock();
        for subject in self.subjects.each() {
            let left = open.get(subject).map_or(0, |count| count.saturating_sub(1));
            match left {
                0 => drop(open.remove(subject)),
                left => drop(open.insert(subject.to_owned(), left)),
            }
        }
    }
}

/// Returns the refusal of a guess that must wait. The first one is audited.
async fn refuse(
    delayed: Delayed,
    guess: &Guess,
    subjects: &Subjects,
    store: &Store,
    random: &Random,
) -> ControlError {
    if delayed.first {
        let (guess, subjects, random) = (guess.clone(), subjects.clone(), random.repeatable());
        let audited = store.write(move |tx| {
            // Another replica may have done so.
            match wrong_guesses::tally(tx, &subjects, guess.now)?.admit(guess.now) {
                Err(delayed) if delayed.first => {
                    wrong_guesses::mark_delayed(tx, subjects.cause(delayed.by))?;
                    audit(tx, &guess, &random)
                }
                _ => Ok(()),
            }
        });
        if let Err(error) = audited.await {
            return error.into();
        }
    }
    Refusal::RateLimited { retry_after_seconds: delayed.retry_after_seconds }.into()
}

fn audit(tx: &mut Tx<'_>, guess: &Guess, random: &Repeatable) -> Result<(), StoreError> {
    let random = random.draws();
    let (user_id, action) = match &guess.secret {
        Secret::Password { email } => (users::id_by_email(tx, email)?, "login_throttled"),
        Secret::DeviceCode { user_id } => (Some(user_id.clone()), "device_code_throttled"),
    };
    let Some(user_id) = user_id else { return Ok(()) };
    for membership in users::memberships(tx, &user_id)? {
        let entry = AuditEntry {
            org_id: &membership.org_id,
            actor: "system",
            action,
            target: &user_id,
            details: json!({ "address": guess.address.map(|address| address.to_string()) }),
        };
        audit::record(tx, entry, &random, guess.now)?;
    }
    Ok(())
}

impl Secret {
    /// The name under which wrong guesses are counted; an email cannot be mistaken for a device code's.
    fn account(&self) -> String {
        match self {
            Self::Password { email } => format!("password {email}"),
            Self::DeviceCode { user_id } => format!("device-code {user_id}"),
        }
    }
}
