//! What goes over the wire, as far as the agent needs it. Fields that another implementation may leave out
//! have defaults.

use serde::{Deserialize, Serialize};
use ztna_protocol::network_map::{PeerView, RelayView};

use crate::secret::Secret;

/// `POST /api/register-machine`.
#[derive(Debug, Serialize)]
pub(crate) struct RegisterMachine<'a> {
    /// The credential, unless a session is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_key: Option<&'a Secret>,
    /// The organisation, for a session of a user who has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) org_id: Option<&'a str>,
    /// The machine's name.
    pub(crate) name: &'a str,
    /// Its public key, 32 bytes in base64.
    pub(crate) public_key: &'a str,
    /// The operating system.
    pub(crate) os: &'a str,
    /// The agent's version.
    pub(crate) version: &'a str,
    /// Tags the machine claims.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) tags: &'a [String],
}

/// The answer to a registration.
#[derive(Debug, Deserialize)]
pub(crate) struct Registered {
    /// The machine.
    pub(crate) machine: Machine,
    /// Its credential from now on.
    pub(crate) machine_token: Secret,
    /// The organisation it belongs to.
    pub(crate) org_id: Option<String>,
}

/// A machine.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Machine {
    /// Its id.
    pub(crate) id: String,
    /// Its name, unique in its organisation.
    pub(crate) name: String,
    /// Its address in the tailnet.
    pub(crate) tailnet_ip: String,
    /// `online`, `offline`, `pending` or `quarantined`.
    #[serde(default)]
    pub(crate) status: String,
    /// Its tags, without `tag:`.
    #[serde(default)]
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OneMachine {
    pub(super) machine: Machine,
}

/// What changed in the network map, or all of it.
#[derive(Debug, Deserialize)]
pub(crate) struct NetworkMapAnswer {
    /// What to ask the next changes since.
    pub(crate) version: i64,
    /// Whether machines that are not among `peers` are to be forgotten.
    #[serde(default)]
    pub(crate) full: bool,
    /// Machines that are new or have changed.
    #[serde(default)]
    pub(crate) peers: Vec<PeerView>,
    /// The ids of those that are peers no more.
    #[serde(default)]
    pub(crate) removed: Vec<String>,
    /// The relays there are.
    #[serde(default)]
    pub(crate) relays: Vec<RelayView>,
}

/// One of the caller's organisations.
#[derive(Debug, Deserialize)]
pub(crate) struct Membership {
    /// The organisation.
    pub(crate) org_id: String,
    /// `owner`, `admin` or `member`.
    pub(crate) role: String,
}

/// An auth key as it is listed: these fields in this order are the output of `auth-keys list --json`
/// (used-count/ST5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthKey {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// `tskey-auth-`, 8 hexadecimal digits and `...`.
    pub(crate) key_prefix: String,
    /// Whether it enrols more than one machine.
    pub(crate) reusable: bool,
    /// Whether its machines are removed when they go offline.
    pub(crate) ephemeral: bool,
    /// Successful registrations.
    pub(crate) used_count: i64,
    /// When it stops enrolling, RFC 3339.
    pub(crate) expires_at: Option<String>,
    /// Whether it was revoked.
    pub(crate) revoked: bool,
    /// When it was made, RFC 3339.
    pub(crate) created_at: Option<String>,
}

/// `create_auth_key` in the user guide's form.
#[derive(Debug, Serialize)]
pub(crate) struct CreateAuthKey<'a> {
    /// Always `create_auth_key`.
    pub(crate) action: &'static str,
    /// Where the key enrols.
    pub(crate) org_id: &'a str,
    /// Its name; the description stands in for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    /// Whether it enrols more than one machine.
    pub(crate) reusable: bool,
    /// Whether its machines are removed when they go offline.
    pub(crate) ephemeral: bool,
    /// Its life in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in: Option<u64>,
    /// Its life in days, for lives that `expires_in` does not reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiry_days: Option<u64>,
    /// Tags for every machine it enrols.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) tags: &'a [String],
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'a str>,
}

/// The one answer that holds a full key.
#[derive(Debug, Deserialize)]
pub(crate) struct CreatedAuthKey {
    /// The key.
    pub(crate) key: Secret,
    /// Its life in days, when the request did not name one.
    pub(crate) expiry_days: Option<u64>,
}

/// RFC 8628, section 3.2.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceCode {
    /// What the agent polls with.
    pub(crate) device_code: Secret,
    /// What the person types.
    pub(crate) user_code: String,
    /// Where.
    pub(crate) verification_uri: String,
    /// Seconds until both codes end.
    pub(crate) expires_in: u64,
    /// Seconds between polls; 5 if absent.
    pub(crate) interval: Option<u64>,
}

/// RFC 6749, section 5.1.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceToken {
    /// The session.
    pub(crate) access_token: Secret,
    /// Its life in seconds.
    pub(crate) expires_in: Option<u32>,
}
