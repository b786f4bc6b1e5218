//! The tables `network_maps` and `removed_machines`, and the machines as their peers see them.
//!
//! Every change of what peers see raises the organisation's version by one, in the transaction that changes it.

use std::collections::BTreeMap;

use super::machine_row::{self, Machine};
use super::{Row, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::domain::network_map::{Extent, Peer, is_peer};
use crate::values;

/// A machine that changed on the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The machine's id.
    pub id: String,
    /// How it now is; `None` if it is nobody's peer any more.
    pub peer: Option<Peer>,
}

/// Gives an organisation its map, empty.
pub fn open(tx: &mut Tx<'_>, org_id: &str) -> Result<(), StoreError> {
    tx.execute("INSERT INTO network_maps (org_id, version, pruned) VALUES (?1, 1, 0)", values![org_id])?;
    Ok(())
}

/// Which versions of the organisation's map there are.
pub fn extent(tx: &mut Tx<'_>, org_id: &str) -> Result<Extent, StoreError> {
    let found =
        tx.optional("SELECT version, pruned FROM network_maps WHERE org_id = ?1", values![org_id], |row| {
            Ok(Extent { version: row.integer(0)?, pruned: row.integer(1)? })
        })?;
    found.ok_or_else(|| missing(org_id))
}

/// Every peer of the machine `id`.
pub fn peers(tx: &mut Tx<'_>, org_id: &str, id: &str) -> Result<Vec<Peer>, StoreError> {
    let rows = tx.all(
        "SELECT id, name, tailnet_ip, public_key, endpoints, status, token_hash IS NOT NULL, relay
         FROM machines WHERE org_id = ?1 AND id <> ?2 ORDER BY name",
        values![org_id, id],
        change,
    )?;
    Ok(rows.into_iter().filter_map(|row| row.peer).collect())
}

/// What changed after version `since` for the machine `id`, oldest first; of each machine only its last change.
pub fn changes(tx: &mut Tx<'_>, org_id: &str, id: &str, since: i64) -> Result<Vec<Change>, StoreError> {
    // Removals first: a machine that is deleted while this reads is then told next time, and not as both.
    let removed = tx.all(
        "SELECT machine_id FROM removed_machines WHERE org_id = ?1 AND version > ?2 ORDER BY version",
        values![org_id, since],
        |row| Ok(Change { id: row.text(0)?, peer: None }),
    )?;
    let mut changes = tx.all(
        "SELECT id, name, tailnet_ip, public_key, endpoints, status, token_hash IS NOT NULL, relay
         FROM machines WHERE org_id = ?1 AND map_version > ?2 AND id <> ?3 ORDER BY map_version",
        values![org_id, since, id],
        change,
    )?;
    changes.extend(removed);
    Ok(changes)
}

/// Forgets up to `most` machines removed until `removed_until`; answers how many. Who knows only an older map is told
/// the whole one.
pub fn prune(tx: &mut Tx<'_>, removed_until: Timestamp, most: i64) -> Result<usize, StoreError> {
    let forgotten = tx.all(
        "DELETE FROM removed_machines WHERE machine_id IN
             (SELECT machine_id FROM removed_machines WHERE removed_at <= ?1 ORDER BY removed_at LIMIT ?2)
         RETURNING org_id, version",
        values![removed_until, most],
        |row| Ok((row.text(0)?, row.integer(1)?)),
    )?;
    let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
    for (org_id, version) in &forgotten {
        let known = highest.entry(org_id).or_default();
        *known = (*known).max(*version);
    }
    for (org_id, version) in highest {
        tx.execute(
            "UPDATE network_maps SET pruned = ?2 WHERE org_id = ?1 AND pruned < ?2",
            values![org_id, version],
        )?;
    }
    Ok(forgotten.len())
}

/// The next version of the organisation's map; who waits for one is told once it is committed.
pub(super) fn advance(tx: &mut Tx<'_>, org_id: &str) -> Result<i64, StoreError> {
    let version = tx.optional(
        "UPDATE network_maps SET version = version + 1 WHERE org_id = ?1 RETURNING version",
        values![org_id],
        |row| row.integer(0),
    )?;
    tx.notify(org_id);
    version.ok_or_else(|| missing(org_id))
}

/// Writes down that a machine is gone, whose peers last saw it change at `map_version`.
pub(super) fn bury(
    tx: &mut Tx<'_>,
    machine: &Machine,
    map_version: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let version = match machine.peer() {
        Some(_) => advance(tx, &machine.org_id)?,
        None if map_version == 0 => return Ok(()),
        // Its peers have been told, but perhaps not yet all of them.
        None => map_version,
    };
    tx.execute(
        "INSERT INTO removed_machines (machine_id, org_id, version, removed_at) VALUES (?1, ?2, ?3, ?4)",
        values![&machine.id, &machine.org_id, version, now],
    )?;
    Ok(())
}

fn change(row: &Row<'_>) -> Result<Change, StoreError> {
    let id = row.text(0)?;
    let status = machine_row::status(row, 5)?;
    if !is_peer(status, row.flag(6)?) {
        return Ok(Change { id, peer: None });
    }
    let peer = Peer {
        id: id.clone(),
        name: row.text(1)?,
        tailnet_ip: row.text(2)?,
        public_key: row.text(3)?,
        endpoints: row.json(4)?.unwrap_or_default(),
        relay: machine_row::relay(row, 7)?,
        online: status == Status::Online,
    };
    Ok(Change { id, peer: Some(peer) })
}

fn missing(org_id: &str) -> StoreError {
    StoreError::Corrupt { column: "network_maps".to_owned(), reason: format!("no row for {org_id}") }
}
