//! Machines say that they are there, or that they go.

use ztna_protocol::region::Region;

use super::Failure;
use crate::domain::machine::Status;
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::{self, Machine};
use crate::store::{StoreError, Tx};

/// What a machine says of itself.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// Whether it stays.
    pub online: bool,
    /// Its agent's version; `None`: as before.
    pub version: Option<String>,
    /// Where it can be reached, normalised; `None`: as before. One that goes can be reached nowhere.
    pub endpoints: Option<Vec<String>>,
    /// The relay where it listens; `None`: as before. One that goes listens at none.
    pub relay: Option<Region>,
}

/// Writes down that the machine was heard of. One in quarantine is refused, an unknown token too.
pub fn heartbeat(
    tx: &mut Tx<'_>,
    token_hash: &str,
    beat: Heartbeat,
    now: Timestamp,
) -> Result<Machine, Failure> {
    let before = holder(tx, token_hash)?;
    if before.status == Status::Quarantined {
        return Err(Refusal::Quarantined.into());
    }
    let mut machine = before.clone();
    machine.status = machine.status.heard(beat.online);
    machine.version = beat.version.or(machine.version);
    machine.last_seen = now;
    machine.endpoints = match beat.endpoints {
        _ if !beat.online => Vec::new(),
        Some(endpoints) => endpoints,
        None => machine.endpoints,
    };
    machine.relay = if beat.online { beat.relay.or(machine.relay) } else { None };
    machines::update(tx, &before, &machine)?;
    Ok(machine)
}

/// The machine that holds a token: a deleted or replaced one has none any more.
pub(super) fn holder(tx: &mut Tx<'_>, token_hash: &str) -> Result<Machine, Failure> {
    let found: Result<_, StoreError> = machines::find_by_token(tx, token_hash);
    Ok(found?.ok_or(Refusal::Unauthorized("Unknown machine token"))?)
}
