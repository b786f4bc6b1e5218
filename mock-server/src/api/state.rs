//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;
use ztna_relay::Relay;

use super::AgentProgram;
use crate::control::polls::LongPolls;
use crate::control::session::SessionKey;
use crate::control::{Clock, Random};
use crate::domain::site::Site;
use crate::store::Store;

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct State {
    /// The data.
    pub store: Store,
    /// The time; handlers read it once a request.
    pub clock: Clock,
    /// Where keys, tokens and ids come from.
    pub random: Random,
    /// The requests that wait for a change of the network map.
    pub polls: LongPolls,
    /// Turns true when the server stops: requests that wait for something answer then.
    pub stopping: watch::Sender<bool>,
    /// The relay in this process, if it serves a region.
    pub relay: Option<Relay>,
    /// What was decided when the server started.
    pub settings: Arc<Settings>,
}

/// What was decided when the server started.
#[derive(Debug)]
pub struct Settings {
    /// What access tokens are signed with.
    pub session: SessionKey,
    /// Where clients reach this server, without a slash at the end.
    pub base_url: String,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What the installer installs; it has nothing to install without one.
    pub agent_program: Option<AgentProgram>,
    /// The relays that machines are told of.
    pub relays: Vec<Site>,
    /// SHA-256 of the secret that relays elsewhere show; none of them is served without one.
    pub relay_secret_hash: Option<String>,
    /// How long a device code can be approved (RFC 8628 `expires_in`).
    pub device_code_lifetime: Duration,
    /// How long a device waits between two questions (RFC 8628 `interval`).
    pub device_poll_interval: Duration,
}
