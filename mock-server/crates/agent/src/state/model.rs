//! The content of the state file.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use ztna_protocol::machine_token;

use crate::checked;
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
    /// A registration whose result is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pending: Option<Pending>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// The id assigned by the control plane.
    pub(crate) id: String,
    /// The name that the machine was registered under.
    pub(crate) name: String,
    #[serde(deserialize_with = "checked::tailnet_ip")]
    pub(crate) tailnet_ip: Ipv4Addr,
    pub(crate) token: Secret,
}

/// A registration that was begun. It is stored before its first request, so that it can be repeated with the same key pair
/// if the answer is lost or cannot be stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The control plane.
    pub(crate) server: String,
    pub(crate) name: String,
    /// The hash of the auth key, or that of the organisation if a session is the credential.
    credential: String,
    /// Identifies the registration, so that the control plane counts it once.
    pub(crate) attempt: Secret,
    pub(crate) node_key: NodeKey,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) access_token: Secret,
    /// The user according to the token; for display only.
    pub(crate) email: Option<String>,
    /// When the session expires, if known, by this host's clock.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
}

impl State {
    /// Parses a state file, an object; a list would count as the fields in their order.
    pub(crate) fn parse(text: &[u8]) -> serde_json::Result<Self> {
        let _: HashMap<String, IgnoredAny> = serde_json::from_slice(text)?;
        serde_json::from_slice(text)
    }

    /// Returns whether there is a credential for the control plane, for display: a machine token or a session that has not
    /// expired by this host's clock.
    pub(crate) fn is_authenticated(&self, now: OffsetDateTime) -> bool {
        self.machine.is_some() || self.session.as_ref().is_some_and(|session| session.is_valid(now))
    }

    /// Returns the state after `ztna logout`: no secrets, only the address to log in at.
    pub(crate) fn logged_out(&self) -> Self {
        Self { server: self.server.clone(), ..Self::default() }
    }

    /// Returns whether there is nothing to store.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { server, org_id, node_key, machine, session, pending } = self;
        let texts = server.is_none() && org_id.is_none() && node_key.is_none();
        texts && machine.is_none() && session.is_none() && pending.is_none()
    }

    /// Returns whether the state holds any credential, expired or not.
    pub(crate) fn has_credentials(&self) -> bool {
        self.machine.is_some() || self.session.is_some()
    }
}

impl Pending {
    /// Begins a registration. `random` are random bytes, for the attempt and the key pair.
    pub(crate) fn new(server: &str, name: &str, credential: &str, random: ([u8; 16], [u8; 32])) -> Self {
        let (attempt, key) = random;
        Self {
            server: server.to_owned(),
            name: name.to_owned(),
            credential: machine_token::hash(credential),
            attempt: Secret::from_hex(&attempt),
            node_key: NodeKey::from_random(key),
        }
    }

    /// Returns whether this is a registration of the same machine with the same credential.
    pub(crate) fn matches(&self, server: &str, name: &str, credential: &str) -> bool {
        self.server == server && self.name == name && self.credential == machine_token::hash(credential)
    }
}

/// Returns whether a file of unknown origin is a state file.
pub(crate) fn is_state(text: &[u8]) -> bool {
    const FIELDS: [&str; 6] = ["server", "org_id", "node_key", "machine", "session", "pending"];
    let object = serde_json::from_slice::<HashMap<String, IgnoredAny>>(text);
    object.is_ok_and(|object| FIELDS.iter().any(|field| object.contains_key(*field)))
}

impl Session {
    /// Returns whether the session is not known to have expired by `now`, for display only: this host's clock may be wrong.
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
    fn address_outside_the_tailnet_is_refused() {
        for (ip, valid) in
            [("100.64.0.3", true), ("127.0.0.1", false), ("100.64.0.0", false), ("::1", false), ("", false)]
        {
            let machine = serde_json::json!({ "id": "m", "name": "n", "tailnet_ip": ip, "token": "ztm_1" });
            assert_eq!(serde_json::from_value::<Registration>(machine).is_ok(), valid, "{ip:?}");
        }
    }

    #[test]
    fn registration_is_repeated_for_the_same_machine_and_credential_only() {
        let pending = Pending::new("http://a", "Linux-C", "key", ([1; 16], [2; 32]));
        assert!(pending.matches("http://a", "Linux-C", "key"));
        for (server, name, credential) in
            [("http://b", "Linux-C", "key"), ("http://a", "Linux-D", "key"), ("http://a", "Linux-C", "other")]
        {
            assert!(!pending.matches(server, name, credential));
        }
        let stored = serde_json::to_string(&State { pending: Some(pending), ..State::default() }).unwrap();
        assert!(!stored.contains("\"key\""), "the auth key is not stored");
    }

    #[test]
    fn state_is_an_object() {
        for wrong in ["[]", r#"["http://a"]"#, "null", "7", "", "{"] {
            assert!(State::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(State::parse(b"{}").unwrap().is_empty());
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let state = State::parse(br#"{"server": "http://a", "relay": {"home": "blr1"}}"#).unwrap();
        assert_eq!(state.server.as_deref(), Some("http://a"));
    }
}
