//! What the store says of a machine and of its organisation's map.

use std::sync::Arc;
use ztna_protocol::machine_token::TokenReference;

use super::changes::MapChanges;
use crate::control::ControlError;
use crate::control::heartbeat::find_by_token;
use crate::domain::Refusal;
use crate::domain::machine::Status;
use crate::domain::network_map::VersionRange;
use crate::store::machines::Machine;
use crate::store::{StoreError, Tx, access_rules, network_map};

/// A machine that may see the map.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) machine: Machine,
    pub(super) range: VersionRange,
}

/// Changes of an organisation's map up to a version.
#[derive(Debug, Clone)]
pub(super) struct Update {
    pub(super) version: i64,
    /// Whether the changes contain all peers instead of only changed ones.
    pub(super) full: bool,
    /// Whether there are access rules.
    pub(super) restricted: bool,
    pub(super) changes: Arc<MapChanges>,
}

/// # Errors
/// 401 UNAUTHORIZED for an unknown token; 403 QUARANTINED; 403 FORBIDDEN while the machine awaits approval.
pub(super) fn admit(tx: &mut Tx<'_>, token: &TokenReference) -> Result<Admitted, ControlError> {
    let machine = find_by_token(tx, token)?;
    match machine.status {
        Status::Online | Status::Offline => {}
        Status::Pending => return Err(Refusal::Forbidden("The machine awaits an admin's approval").into()),
        Status::Quarantined => return Err(Refusal::Quarantined.into()),
    }
    let range = network_map::version_range(tx, &machine.org_id)?;
    Ok(Admitted { machine, range })
}

/// Returns the changes since a version, or all peers and rules if the version is 0, too old or from another database.
pub(super) fn update(tx: &mut Tx<'_>, org_id: &str, since: i64) -> Result<Update, StoreError> {
    let range = network_map::version_range(tx, org_id)?;
    let full = !range.reaches_back_to(since);
    let changes = match full {
        true => network_map::peers(tx, org_id)?,
        false if since == range.version => Vec::new(),
        false => network_map::changes(tx, org_id, since)?,
    };
    let rules = match full || range.rules_version > since {
        true => Some(access_rules::find(tx, org_id)?.rules),
        false => None,
    };
    let changes = Arc::new(MapChanges::new(changes, rules.as_deref()));
    Ok(Update { version: range.version, full, restricted: range.restricted, changes })
}

/// Returns the current version, and the changes since an earlier one if they are all known.
pub(super) fn news(
    tx: &mut Tx<'_>,
    org_id: &str,
    since: i64,
) -> Result<(VersionRange, Option<Update>), StoreError> {
    let range = network_map::version_range(tx, org_id)?;
    let known = range.reaches_back_to(since) && since < range.version;
    Ok((range, known.then(|| update(tx, org_id, since)).transpose()?))
}
