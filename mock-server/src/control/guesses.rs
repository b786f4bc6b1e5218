//! Guesses at passwords and device codes, slowed down per account and address.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::audit::{self, AuditEntry};
use super::{ControlError, Random};
use crate::domain::throttle::Throttle;
use crate::domain::{Refusal, Timestamp};
use crate::store::{Store, StoreError, users};

/// The wrong guesses that this process has seen, shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct GuessLimit(Arc<Mutex<Throttle>>);

/// Who guesses, and when.
#[derive(Debug, Clone)]
pub struct Guess {
    /// What is guessed at, such as an email.
    pub account: String,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
    pub now: Timestamp,
}

impl GuessLimit {
    /// Admits a guess, which counts as wrong until [`GuessLimit::succeeded`].
    ///
    /// # Errors
    /// 429 RATE_LIMITED with the seconds to wait. The first one of an account and address is in the audit log of the
    /// user's organisations.
    pub async fn begin(&self, guess: &Guess, store: &Store, random: &Random) -> Result<(), ControlError> {
        let begun = self.lock().begin(&guess.account, guess.address, guess.now);
        let Err(delayed) = begun else { return Ok(()) };
        if delayed.first {
            self.audit(guess.clone(), store, random.clone()).await?;
        }
        Err(Refusal::RateLimited { retry_after_seconds: delayed.retry_after_seconds }.into())
    }

    pub fn succeeded(&self, guess: &Guess) {
        self.lock().succeeded(&guess.account, guess.address);
    }

    async fn audit(&self, guess: Guess, store: &Store, random: Random) -> Result<(), StoreError> {
        store
            .write(move |tx| {
                let Some(user_id) = users::id_by_email(tx, &guess.account)? else { return Ok(()) };
                for membership in users::memberships(tx, &user_id)? {
                    let entry = AuditEntry {
                        org_id: &membership.org_id,
                        actor: "system",
                        action: "login_throttled",
                        target: &user_id,
                        details: json!({
                            "email": guess.account.to_lowercase(),
                            "address": guess.address.map(|address| address.to_string()),
                        }),
                    };
                    audit::record(tx, entry, &random, guess.now)?;
                }
                Ok(())
            })
            .await
    }

    fn lock(&self) -> MutexGuard<'_, Throttle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
