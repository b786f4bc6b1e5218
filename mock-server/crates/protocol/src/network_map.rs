//! The parts of a network map, which describes other machines and relays to an agent.
//!
//! The control plane writes every field. An agent has defaults for those that another implementation may omit.

use serde::{Deserialize, Serialize};

/// A machine as its peers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeerView {
    /// Constant as long as the machine exists.
    pub id: String,
    /// Unique in the organisation.
    pub name: String,
    /// The machine's address in 100.64.0.0/10, the only one that its packets may come from.
    pub tailnet_ip: String,
    /// The machine's WireGuard public key, base64.
    pub public_key: String,
    /// The machine's UDP endpoints, preferred ones first.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub endpoints: Vec<String>,
    /// The region of the relay that the machine is connected to; null if there is none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub relay: Option<String>,
    /// Whether the control plane receives heartbeats from the machine.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub online: bool,
    /// The machine's tags without the prefix `tag:`, by which access rules mean it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub tags: Vec<String>,
}

/// A relay, for machines that cannot reach each other over UDP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RelayView {
    /// The code of the relay's region.
    #[cfg_attr(feature = "openapi", schema(example = "blr1"))]
    pub region: String,
    /// The region's name.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub name: String,
    /// The address at which the relay answers `GET /relay`; null for this control plane's address.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub url: Option<String>,
}
