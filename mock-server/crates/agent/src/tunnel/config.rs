//! What a tunnel is opened with.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::backend::PreparedBackend;
use crate::control_client::ControlClient;
use crate::node_key::NodeKey;
use crate::secret::Secret;

/// The configuration of a tunnel.
pub(crate) struct TunnelConfig {
    pub(crate) control: Arc<ControlClient>,
    /// The machine's token, for the network map and the relays.
    pub(crate) token: Secret,
    pub(crate) node_key: NodeKey,
    pub(crate) machine: LocalMachine,
    pub(crate) backend: PreparedBackend,
    /// Whether to send through relays only, never over UDP.
    pub(crate) relay_only: bool,
}

/// This machine as its peers know it.
#[derive(Debug, Clone)]
pub(crate) struct LocalMachine {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
}
