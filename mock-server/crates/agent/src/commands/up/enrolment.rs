//! Registration of the machine, retried while the control plane is unreachable.

use std::time::Duration;

use tokio::time::Instant;

use crate::console::print_warning;
use crate::control_client::{Backoff, ControlClient, ControlError, RegisterMachine, Registered, retry_delay};
use crate::error::AgentError;
use crate::secret::Secret;
use crate::state::{Pending, State};

/// Upper bound of the delay between attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);

/// Time for a last attempt before the time limit.
const LAST_ATTEMPT: Duration = Duration::from_millis(200);

/// Time between warnings that the control plane is still unreachable.
const REMINDER_INTERVAL: Duration = Duration::from_secs(600);

/// What a machine is registered with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Credential<'a> {
    /// An auth key: no session is needed (headless/F.2).
    Key(&'a Secret),
    Session(&'a Secret),
}

impl<'a> Credential<'a> {
    /// Prefers the auth key, else takes the stored session. Whether it has expired is for the control plane to say: this
    /// host's clock may be wrong.
    pub(super) fn choose(key: Option<&'a Secret>, state: &'a State) -> Option<Self> {
        let session = state.session.as_ref();
        key.map(Self::Key).or_else(|| session.map(|session| Self::Session(&session.access_token)))
    }

    /// Returns what a repeated registration must have in common with the first. A session's token may have been renewed.
    pub(super) fn constant_part(self, org_id: Option<&'a str>) -> &'a str {
        match self {
            Self::Key(key) => key.expose(),
            Self::Session(_) => org_id.unwrap_or_default(),
        }
    }
}

/// A registration and its time limit.
pub(super) struct Enrolment<'a> {
    pub(super) control: &'a ControlClient,
    pub(super) credential: Credential<'a>,
    /// What was stored before the first request.
    pub(super) pending: &'a Pending,
    /// Whether the control plane may have answered an earlier run.
    pub(super) is_repeated: bool,
    pub(super) tags: &'a [String],
    pub(super) org_id: Option<&'a str>,
    pub(super) limit: Option<Duration>,
}

impl Enrolment<'_> {
    /// Registers the machine, and retries until `limit` while the control plane is unreachable. Calls
    /// `on_unreachable` after each attempt that did not reach it.
    pub(super) async fn complete(
        &self,
        on_unreachable: impl Fn() -> crate::local_socket::Phase,
    ) -> Result<Registered, AgentError> {
        let end = self.limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut backoff = Backoff::up_to(MAX_RETRY_DELAY);
        let (mut conflicts, mut last_reminder) = (0, None::<Instant>);
        let mut unanswered = self.is_repeated;
        loop {
            let error = match self.attempt(end).await {
                Ok(registered) => return Ok(registered),
                Err(error) => error,
            };
            let Some(mut wait) = retry_delay(&error, conflicts, &mut backoff, rand::random()) else {
                return Err(self.refused(error, unanswered));
            };
            unanswered |= !error.is_definite();
            if let (Some(end), Some(limit)) = (end, self.limit) {
                let left = end.saturating_duration_since(Instant::now());
                let asked = matches!(&error, ControlError::Refused { retry_after: Some(asked), .. } if *asked >= left);
                if left.is_zero() || asked {
                    let limit = humantime::format_duration(limit);
                    return Err(AgentError::Timeout { limit, last: error.to_string() });
                }
                // The time limit is used up, with one more attempt if it leaves time for one.
                wait = wait.min(if left > LAST_ATTEMPT { left - LAST_ATTEMPT } else { left });
            }
            if error.is_temporary() {
                on_unreachable();
                if last_reminder.is_none_or(|last| last.elapsed() >= REMINDER_INTERVAL) {
                    print_warning(&format!("{error}; retrying until it answers"));
                    last_reminder = Some(Instant::now());
                }
            } else {
                conflicts += 1;
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, end: Option<Instant>) -> Result<Registered, ControlError> {
        let (auth_key, session, org_id) = match self.credential {
            // The key determines the organisation.
            Credential::Key(key) => (Some(key), None, None),
            Credential::Session(session) => (None, Some(session), self.org_id),
        };
        let request = RegisterMachine {
            auth_key,
            org_id,
            name: &self.pending.name,
            public_key: &self.pending.node_key.public_base64(),
            os: std::env::consts::OS,
            version: env!("CARGO_PKG_VERSION"),
            tags: self.tags,
        };
        let answer = self.control.register(&request, session, &self.pending.attempt);
        match end {
            Some(end) => tokio::time::timeout_at(end, answer).await.unwrap_or_else(|_| {
                Err(ControlError::Unreachable {
                    server: self.control.server().to_owned(),
                    cause: "timed out".to_owned(),
                })
            }),
            None => answer.await,
        }
    }

    fn refused(&self, error: ControlError, unanswered: bool) -> AgentError {
        match self.credential {
            Credential::Key(_) if unanswered && error.has_code("KEY_USED") => {
                AgentError::KeyUsedUnanswered { name: self.pending.name.clone(), cause: error }
            }
            Credential::Key(_) => AgentError::KeyRegistration(error),
            // The session has expired or was ended.
            Credential::Session(_) if error.disowns_credential() => AgentError::NotAuthenticated,
            Credential::Session(_) => AgentError::SessionRegistration(error),
        }
    }
}
