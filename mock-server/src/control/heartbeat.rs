use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::region::Region;

use super::ControlError;
use crate::domain::machine::{Status, last_seen};
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::{self, Machine};
use crate::store::{StoreError, Tx};

/// A validated heartbeat. Fields that are `None` keep their previous value.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// `false` signs the machine off, which clears its endpoints and relay.
    pub online: bool,
    pub version: Option<String>,
    /// Normalised UDP endpoints.
    pub endpoints: Option<Vec<String>>,
    pub relay: Option<Region>,
}

/// Records a heartbeat. Quarantined machines and unknown tokens are refused.
pub fn heartbeat(
    tx: &mut Tx<'_>,
    token: &TokenReference,
    beat: &Heartbeat,
    now: Timestamp,
) -> Result<Machine, ControlError> {
    let before = find_by_token(tx, token)?;
    if before.status == Status::Quarantined {
        return Err(Refusal::Quarantined.into());
    }
    let mut machine = before.clone();
    machine.status = machine.status.after_heartbeat(beat.online);
    machine.version = beat.version.clone().or(machine.version);
    machine.last_seen = last_seen(machine.last_seen, now);
    machine.endpoints = match &beat.endpoints {
        _ if !beat.online => Vec::new(),
        Some(endpoints) => endpoints.clone(),
        None => machine.endpoints,
    };
    machine.relay = if beat.online { beat.relay.or(machine.relay) } else { None };
    machines::update(tx, &before, &machine)?;
    Ok(machine)
}

/// Returns the machine that holds the token. Deleting or re-registering a machine invalidates its token.
pub(super) fn find_by_token(tx: &mut Tx<'_>, token: &TokenReference) -> Result<Machine, ControlError> {
    let found: Result<_, StoreError> = machines::find_by_token(tx, token);
    Ok(found?.ok_or(Refusal::Unauthorized("Unknown machine token"))?)
}
