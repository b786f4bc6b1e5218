//! Machines in responses, and machine tokens in requests.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;
use ztna_protocol::machine_token::{self, TokenReference};

use super::caller::bearer;
use super::{Error, State};
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::Machine;

/// A machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct MachineView {
    id: String,
    org_id: String,
    /// Unique in the organisation.
    name: String,
    /// The address in 100.64.0.0/10.
    tailnet_ip: String,
    /// online, offline, pending or quarantined.
    status: &'static str,
    /// Without the prefix `tag:`.
    tags: Vec<String>,
    /// Whether the machine is deleted after half an hour without a heartbeat.
    ephemeral: bool,
    /// The WireGuard public key in base64.
    public_key: String,
    os: Option<String>,
    version: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MachineAnswer {
    machine: MachineView,
}

/// The token in `Authorization: Bearer ztm_…`. It may be unknown; only the store knows its machine.
#[derive(Debug)]
pub struct MachineToken(pub TokenReference);

impl MachineView {
    /// Shows the machine with its effective status at `now`.
    pub fn new(machine: Machine, now: Timestamp) -> Self {
        Self {
            status: machine.status.effective(machine.last_seen, now).as_str(),
            id: machine.id,
            org_id: machine.org_id,
            name: machine.name,
            tailnet_ip: machine.tailnet_ip,
            tags: machine.tags,
            ephemeral: machine.ephemeral,
            public_key: machine.public_key,
            os: machine.os,
            version: machine.version,
            created_at: machine.created_at,
            last_seen: machine.last_seen,
        }
    }
}

impl MachineAnswer {
    /// Shows the machine with its effective status at `now`.
    pub fn new(machine: Machine, now: Timestamp) -> Self {
        Self { machine: MachineView::new(machine, now) }
    }
}

impl FromRequestParts<State> for MachineToken {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &State) -> Result<Self, Error> {
        let token = bearer(parts).filter(|token| token.starts_with(machine_token::PREFIX));
        let token = token.ok_or(Refusal::Unauthorized("Machine token required"))?;
        Ok(Self(TokenReference::to(token)))
    }
}
