//! Request and response bodies, as far as the agent needs them. Fields that another implementation may omit have
//! defaults.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ztna_protocol::network_map::{PeerView, RelayView};

use crate::checked;
use crate::secret::Secret;

/// `POST /api/register-machine`.
#[derive(Debug, Serialize)]
pub(crate) struct RegisterMachine<'a> {
    /// Absent if a session is the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_key: Option<&'a Secret>,
    /// Needed for the session of a user who is in several organisations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) org_id: Option<&'a str>,
    pub(crate) name: &'a str,
    /// 32 bytes in base64.
    pub(crate) public_key: &'a str,
    pub(crate) os: &'a str,
    pub(crate) version: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) tags: &'a [String],
}

#[derive(Debug, Deserialize)]
pub(crate) struct Registered {
    pub(crate) machine: Machine,
    /// The machine's credential from now on.
    #[serde(deserialize_with = "checked::token")]
    pub(crate) machine_token: Secret,
    #[serde(default, deserialize_with = "checked::optional_id")]
    pub(crate) org_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Machine {
    #[serde(deserialize_with = "checked::id")]
    pub(crate) id: String,
    /// Unique in the organisation.
    #[serde(deserialize_with = "checked::text")]
    pub(crate) name: String,
    #[serde(deserialize_with = "checked::tailnet_ip")]
    pub(crate) tailnet_ip: Ipv4Addr,
    /// `online`, `offline`, `pending` or `quarantined`.
    #[serde(default)]
    pub(crate) status: String,
    /// Without the prefix `tag:`.
    #[serde(default)]
    pub(crate) tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OneMachine {
    pub(super) machine: Machine,
}

/// The changes of the network map, or the whole of it.
#[derive(Debug, Deserialize)]
pub(crate) struct NetworkMapAnswer {
    /// The version that the next request names in `since`.
    #[serde(deserialize_with = "checked::version")]
    pub(crate) version: i64,
    /// Whether `peers` is the whole map, so that all other machines are removed.
    #[serde(default)]
    pub(crate) full: bool,
    /// Machines that are new or have changed.
    #[serde(default, deserialize_with = "checked::readable")]
    pub(crate) peers: Vec<PeerView>,
    /// Ids of machines that are no longer peers.
    #[serde(default, deserialize_with = "checked::readable")]
    pub(crate) removed: Vec<String>,
    #[serde(default, deserialize_with = "checked::readable")]
    pub(crate) relays: Vec<RelayView>,
    /// This machine itself.
    #[serde(default, rename = "self")]
    pub(crate) own: Option<OwnMachine>,
    /// All access rules, if they have changed; each may be of a later version that this one cannot read.
    #[serde(default)]
    pub(crate) access_rules: Option<Vec<serde_json::Value>>,
}

/// What the network map says of this machine.
#[derive(Debug, Deserialize)]
pub(crate) struct OwnMachine {
    /// Without the prefix `tag:`.
    #[serde(default, deserialize_with = "checked::readable")]
    pub(crate) tags: Vec<String>,
}

/// The caller's membership of an organisation.
#[derive(Debug, Deserialize)]
pub(crate) struct Membership {
    #[serde(deserialize_with = "checked::id")]
    pub(crate) org_id: String,
    /// `owner`, `admin` or `member`.
    #[serde(deserialize_with = "checked::text")]
    pub(crate) role: String,
}

/// A listed auth key. These fields in this order are the output of `auth-keys list --json` (used-count/ST5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthKey {
    #[serde(deserialize_with = "checked::id")]
    pub(crate) id: String,
    pub(crate) name: String,
    /// `tskey-auth-`, 8 hexadecimal digits and `...`.
    pub(crate) key_prefix: String,
    /// Whether the key can register more than one machine.
    pub(crate) reusable: bool,
    /// Whether machines registered with it are removed when they go offline.
    pub(crate) ephemeral: bool,
    #[serde(deserialize_with = "checked::count")]
    pub(crate) used_count: i64,
    /// RFC 3339.
    pub(crate) expires_at: Option<String>,
    pub(crate) revoked: bool,
    /// RFC 3339.
    pub(crate) created_at: Option<String>,
}

/// `create_auth_key` in the form of the user guide.
#[derive(Debug, Serialize)]
pub(crate) struct CreateAuthKey<'a> {
    /// Always `create_auth_key`.
    pub(crate) action: &'static str,
    /// The organisation that machines join with the key.
    pub(crate) org_id: &'a str,
    /// If absent, the description is the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    /// Whether the key can register more than one machine.
    pub(crate) reusable: bool,
    /// Whether machines registered with it are removed when they go offline.
    pub(crate) ephemeral: bool,
    /// Lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in: Option<u64>,
    /// Lifetime in days, for lifetimes that `expires_in` does not accept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiry_days: Option<u64>,
    /// Tags for every machine registered with the key.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'a str>,
}

/// The only response that contains a whole key.
#[derive(Debug, Deserialize)]
pub(crate) struct CreatedAuthKey {
    #[serde(deserialize_with = "checked::token")]
    pub(crate) key: Secret,
    /// Lifetime in days, if the request named none.
    #[serde(default, deserialize_with = "checked::optional_count")]
    pub(crate) expiry_days: Option<u64>,
}

/// The device authorisation response of RFC 8628, section 3.2.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceCode {
    /// The code that the agent polls with.
    #[serde(deserialize_with = "checked::token")]
    pub(crate) device_code: Secret,
    /// The code that the user types.
    #[serde(deserialize_with = "checked::text")]
    pub(crate) user_code: String,
    /// The page where the user types it.
    #[serde(deserialize_with = "checked::text")]
    pub(crate) verification_uri: String,
    /// Time until both codes expire.
    #[serde(deserialize_with = "checked::seconds")]
    pub(crate) expires_in: Duration,
    #[serde(default, deserialize_with = "checked::optional_seconds")]
    pub(crate) interval: Option<Duration>,
}

/// The access token response of RFC 6749, section 5.1.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceToken {
    #[serde(deserialize_with = "checked::token")]
    pub(crate) access_token: Secret,
    #[serde(default, deserialize_with = "checked::optional_seconds")]
    pub(crate) expires_in: Option<Duration>,
}
