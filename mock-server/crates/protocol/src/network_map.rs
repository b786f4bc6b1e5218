//! The parts of a network map: what an agent is told about other machines, and about relays.
//!
//! The control plane writes every field. An agent has defaults for those that another implementation may leave out.

use serde::{Deserialize, Serialize};

/// A machine as its peers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PeerView {
    /// The same as long as the machine exists.
    pub id: String,
    /// Unique in the organisation.
    pub name: String,
    /// Its address in 100.64.0.0/10, and the only one that its packets may come from.
    pub tailnet_ip: String,
    /// Its WireGuard public key, base64.
    pub public_key: String,
    /// Where it can be reached over UDP, those it prefers first.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub endpoints: Vec<String>,
    /// The region at whose relay it listens; null: at none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub relay: Option<String>,
    /// Whether it is heard of.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub online: bool,
}

/// A relay, for machines that cannot reach each other over UDP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RelayView {
    /// The code of its region.
    #[cfg_attr(feature = "openapi", schema(example = "blr1"))]
    pub region: String,
    /// The region's name.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub name: String,
    /// Where it answers `GET /relay`; null: where this control plane answers.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub url: Option<String>,
}
