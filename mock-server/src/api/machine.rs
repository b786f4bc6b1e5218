//! A machine as answers show it, and the token by which it calls.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::bearer;
use super::{Error, State};
use crate::domain::key::material;
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::Machine;

/// A machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct MachineView {
    id: String,
    org_id: String,
    /// Unique in the organisation.
    name: String,
    /// Its address in 100.64.0.0/10.
    tailnet_ip: String,
    /// online, offline, pending or quarantined.
    status: &'static str,
    /// Without prefix.
    tags: Vec<String>,
    /// Whether it goes away after half an hour of silence.
    ephemeral: bool,
    /// Its WireGuard public key, base64.
    public_key: String,
    os: Option<String>,
    version: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen: Timestamp,
}

/// A machine, alone in its answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct MachineAnswer {
    machine: MachineView,
}

/// `Authorization: Bearer ztm_…`: the hash of a machine's token; whose it is, if anyone's, the store knows.
#[derive(Debug)]
pub struct MachineToken {
    /// SHA-256 of the token, hex.
    pub hash: String,
}

impl MachineView {
    /// The machine as it is at `now`.
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
    /// The machine as it is at `now`.
    pub fn new(machine: Machine, now: Timestamp) -> Self {
        Self { machine: MachineView::new(machine, now) }
    }
}

impl FromRequestParts<State> for MachineToken {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &State) -> Result<Self, Error> {
        let token = bearer(parts).filter(|token| token.starts_with("ztm_"));
        let token = token.ok_or(Refusal::Unauthorized("Machine token required"))?;
        Ok(Self { hash: material::sha256(token) })
    }
}
