//! The content of the state file.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::node_key::NodeKey;
use crate::secret::Secret;

/// The agent's state. Every field is optional: a new agent has none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// The control plane that the other fields belong to; the only field that `ztna logout` keeps.
    pub(crate) server: Option<String>,
    /// The default organisation of admin commands (used-count/ST2.4).
    pub(crate) org_id: Option<String>,
    /// The machine's key pair, regenerated for each registration after a logout.
    pub(crate) node_key: Option<NodeKey>,
    /// The machine's registration; `up` skips registration while it is set (used-count/ST3.3).
    pub(crate) machine: Option<Registration>,
    /// The user's session, created by `ztna login`.
    pub(crate) session: Option<Session>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// The id assigned by the control plane.
    pub(crate) id: String,
    /// The name that the machine was registered under.
    pub(crate) name: String,
    pub(crate) tailnet_ip: String,
    pub(crate) token: Secret,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) access_token: Secret,
    /// The user according to the token; for display only.
    pub(crate) email: Option<String>,
    /// When the session expires, if known.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
}

impl State {
    /// Returns whether there is a credential for the control plane: a machine token or an unexpired session.
    pub(crate) fn is_authenticated(&self, now: OffsetDateTime) -> bool {
        self.machine.is_some() || self.session.as_ref().is_some_and(|session| session.is_valid(now))
    }

    /// Returns the state after `ztna logout`: no secrets, only the address to log in at.
    pub(crate) fn logged_out(&self) -> Self {
        Self { server: self.server.clone(), ..Self::default() }
    }

    /// Returns whether the state holds any credential, expired or not.
    pub(crate) fn has_credentials(&self) -> bool {
        self.machine.is_some() || self.session.is_some()
    }
}

impl Session {
    /// Returns whether the session is not known to have expired by `now`.
    pub(crate) fn is_valid(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(expires_at: Option<OffsetDateTime>) -> State {
        let access_token = Secret::from_text("token").unwrap();
        State { session: Some(Session { access_token, email: None, expires_at }), ..State::default() }
    }

    #[test]
    fn session_authenticates_until_it_expires() {
        let now = OffsetDateTime::UNIX_EPOCH;
        assert!(!State::default().is_authenticated(now));
        assert!(session(None).is_authenticated(now));
        assert!(session(Some(now + time::Duration::SECOND)).is_authenticated(now));
        assert!(!session(Some(now)).is_authenticated(now));
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let state: State =
            serde_json::from_str(r#"{"server": "http://a", "relay": {"home": "blr1"}}"#).unwrap();
        assert_eq!(state.server.as_deref(), Some("http://a"));
    }
}
