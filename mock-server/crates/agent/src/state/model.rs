//! What is kept.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::node_key::NodeKey;
use crate::secret::Secret;

/// The agent's memory. Everything is optional: a fresh agent has nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// The control plane the rest belongs to; the one thing that outlives `ztna logout`.
    pub(crate) server: Option<String>,
    /// The organisation that admin commands mean (used-count/ST2.4).
    pub(crate) org_id: Option<String>,
    /// The machine's key pair, made anew for each registration that follows a logout.
    pub(crate) node_key: Option<NodeKey>,
    /// The machine as the control plane knows it; while it is here, `up` does not register (used-count/ST3.3).
    pub(crate) machine: Option<Registration>,
    /// The user's session, of `ztna login`.
    pub(crate) session: Option<Session>,
}

/// A registered machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// The control plane's id.
    pub(crate) id: String,
    /// The name it was registered under.
    pub(crate) name: String,
    /// Its address in the tailnet.
    pub(crate) tailnet_ip: String,
    /// The machine's own credential.
    pub(crate) token: Secret,
}

/// A user's session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The access token.
    pub(crate) access_token: Secret,
    /// Whose it is, as the token says; for display only.
    pub(crate) email: Option<String>,
    /// When it ends, if the control plane said so.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
}

impl State {
    /// Whether the control plane would know who is speaking: a session that has not ended, or a machine token.
    pub(crate) fn is_authenticated(&self, now: OffsetDateTime) -> bool {
        self.machine.is_some() || self.session.as_ref().is_some_and(|session| session.is_valid(now))
    }

    /// What is left after `ztna logout`: nothing secret, and where to log in again.
    pub(crate) fn logged_out(&self) -> Self {
        Self { server: self.server.clone(), ..Self::default() }
    }

    /// Whether it holds a credential of its control plane.
    pub(crate) fn has_credentials(&self) -> bool {
        self.machine.is_some() || self.session.is_some()
    }
}

impl Session {
    /// Whether it has not ended by `now`, as far as is known.
    pub(crate) fn is_valid(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(expires_at: Option<OffsetDateTime>) -> State {
        let access_token = Secret::given("token").unwrap();
        State { session: Some(Session { access_token, email: None, expires_at }), ..State::default() }
    }

    #[test]
    fn a_session_authenticates_until_it_ends() {
        let now = OffsetDateTime::UNIX_EPOCH;
        assert!(!State::default().is_authenticated(now));
        assert!(session(None).is_authenticated(now));
        assert!(session(Some(now + time::Duration::SECOND)).is_authenticated(now));
        assert!(!session(Some(now)).is_authenticated(now));
    }

    #[test]
    fn a_later_version_may_add_fields() {
        let state: State =
            serde_json::from_str(r#"{"server": "http://a", "relay": {"home": "blr1"}}"#).unwrap();
        assert_eq!(state.server.as_deref(), Some("http://a"));
    }
}
