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

impl GuessLimit {
    /// Admits a guess, which counts as wrong until [`GuessLimit::succeeded`].
    ///
    /// # Errors
    /// 429 RATE_LIMITED with the seconds to wait. The first one of an account and address is in the audit log of the
    /// user's organisations.
    pub async fn begin(&self, guess: &Guess, store: &Store, random: &Random) -> Result<(), ControlError> {
        let begun = self.lock().begin(&guess.secret.account(), guess.address, guess.now);
        let Err(delayed) = begun else { return Ok(()) };
        if delayed.first {
            self.audit(guess.clone(), store, random).await?;
        }
        Err(Refusal::RateLimited { retry_after_seconds: delayed.retry_after_seconds }.into())
    }

    pub fn succeeded(&self, guess: &Guess) {
        self.lock().succeeded(&guess.secret.account(), guess.address);
    }

    async fn audit(&self, guess: Guess, store: &Store, random: &Random) -> Result<(), StoreError> {
        let random = random.repeatable();
        store
            .write(move |tx| {
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
            })
            .await
    }

    fn lock(&self) -> MutexGuard<'_, Throttle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Secret {
    /// The name under which wrong guesses are counted; an email cannot be mistaken for a device code's.
    fn account(&self) -> String {
        match self {
            Self::Password { email } => email.clone(),
            Self::DeviceCode { user_id } => format!("device-code:{user_id}"),
        }
    }
}
