//! The registration of a machine, through a control plane's absence.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::console::warn;
use crate::control_client::{Backoff, ControlClient, ControlError, RegisterMachine, Registered, retry_delay};
use crate::error::AgentError;
use crate::secret::Secret;
use crate::state::State;

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often it is said that the control plane is still not there.
const REMINDER: Duration = Duration::from_secs(600);

/// What a machine is registered with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Credential<'a> {
    /// An auth key: no session is needed (headless/F.2).
    Key(&'a Secret),
    /// A user's session.
    Session(&'a Secret),
}

impl<'a> Credential<'a> {
    /// The auth key if there is one, else the session of the state unless it has ended by `now`.
    pub(super) fn choose(key: Option<&'a Secret>, state: &'a State, now: OffsetDateTime) -> Option<Self> {
        let session = state.session.as_ref().filter(|session| session.is_valid(now));
        key.map(Self::Key).or_else(|| session.map(|session| Self::Session(&session.access_token)))
    }
}

/// A registration to be made.
pub(super) struct Enrolment<'a> {
    pub(super) control: &'a ControlClient,
    pub(super) credential: Credential<'a>,
    pub(super) name: &'a str,
    pub(super) public_key: &'a str,
    pub(super) tags: &'a [String],
    pub(super) org_id: Option<&'a str>,
    pub(super) limit: Option<Duration>,
}

impl Enrolment<'_> {
    /// Registers; a refusal ends it, an absent control plane does not (before `limit`). `lost` is called
    /// at each try that found none.
    pub(super) async fn complete(
        &self,
        lost: impl Fn() -> crate::local_socket::Phase,
    ) -> Result<Registered, AgentError> {
        let end = self.limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut backoff = Backoff::up_to(LONGEST_WAIT);
        let (mut conflicts, mut reminded) = (0, None::<Instant>);
        loop {
            let error = match self.attempt(end).await {
                Ok(registered) => return Ok(registered),
                Err(error) => error,
            };
            let Some(wait) = retry_delay(&error, conflicts, &mut backoff, rand::random()) else {
                return Err(self.refused(error));
            };
            if let (Some(end), Some(limit)) = (end, self.limit)
                && Instant::now() + wait >= end
            {
                let limit = humantime::format_duration(limit);
                return Err(AgentError::Timeout { limit, last: error.to_string() });
            }
            if error.is_temporary() {
                lost();
                if reminded.is_none_or(|last| last.elapsed() >= REMINDER) {
                    warn(&format!("{error}; trying again until it answers"));
                    reminded = Some(Instant::now());
                }
            } else {
                conflicts += 1;
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, end: Option<Instant>) -> Result<Registered, ControlError> {
        let (auth_key, session, org_id) = match self.credential {
            // The key says which organisation.
            Credential::Key(key) => (Some(key), None, None),
            Credential::Session(session) => (None, Some(session), self.org_id),
        };
        let request = RegisterMachine {
            auth_key,
            org_id,
            name: self.name,
            public_key: self.public_key,
            os: std::env::consts::OS,
            version: env!("CARGO_PKG_VERSION"),
            tags: self.tags,
        };
        let answer = self.control.register(&request, session);
        match end {
            Some(end) => tokio::time::timeout_at(end, answer).await.unwrap_or_else(|_| {
                Err(ControlError::Unreachable {
                    server: self.control.server().to_owned(),
                    cause: "no answer in time".to_owned(),
                })
            }),
            None => answer.await,
        }
    }

    fn refused(&self, error: ControlError) -> AgentError {
        match self.credential {
            Credential::Key(_) => AgentError::KeyRegistration(error),
            Credential::Session(_) => AgentError::SessionRegistration(error),
        }
    }
}
