//! The tables `network_maps` and `removed_machines`, and the machines as their peers see them.
//!
//! Every change that peers can see increments the organisation's version in the same transaction.

use std::collections::BTreeMap;

use super::machine_row::{self, Machine};
use super::{Row, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::domain::network_map::{Peer, VersionRange, is_peer};
use crate::values;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub id: String,
    /// `None` if the machine is no longer visible to its peers.
    pub peer: Option<Peer>,
}

pub fn create(tx: &mut Tx<'_>, org_id: &str) -> Result<(), StoreError> {
    tx.execute("INSERT INTO network_maps (org_id, version, pruned) VALUES (?1, 1, 0)", values![org_id])?;
    Ok(())
}

pub fn version_range(tx: &mut Tx<'_>, org_id: &str) -> Result<VersionRange, StoreError> {
    let found = tx.optional(
        "SELECT version, pruned, rules_version, restricted FROM network_maps WHERE org_id = ?1",
        values![org_id],
        |row| {
            Ok(VersionRange {
                version: row.integer(0)?,
                pruned: row.integer(1)?,
                rules_version: row.integer(2)?,
                restricted: row.flag(3)?,
            })
        },
    )?;
    found.ok_or_else(|| missing(org_id))
}

/// Returns all machines that are visible to their peers.
pub fn peers(tx: &mut Tx<'_>, org_id: &str) -> Result<Vec<Change>, StoreError> {
    let mut rows = tx.all(
        "SELECT id, name, tailnet_ip, public_key, endpoints, status, token_hash IS NOT NULL, relay, tags
         FROM machines WHERE org_id = ?1 ORDER BY name",
        values![org_id],
        change,
    )?;
    rows.retain(|row| row.peer.is_some());
    Ok(rows)
}

/// Returns the last change of every machine after version `since`, oldest first.
pub fn changes(tx: &mut Tx<'_>, org_id: &str, since: i64) -> Result<Vec<Change>, StoreError> {
    // Removals are read first, so that a machine deleted in between is reported next time and not as both.
    let removed = tx.all(
        "SELECT machine_id FROM removed_machines WHERE org_id = ?1 AND version > ?2 ORDER BY version",
        values![org_id, since],
        |row| Ok(Change { id: row.text(0)?, peer: None }),
    )?;
    let mut changes = tx.all(
        "SELECT id, name, tailnet_ip, public_key, endpoints, status, token_hash IS NOT NULL, relay, tags
         FROM machines WHERE org_id = ?1 AND map_version > ?2 ORDER BY map_version",
        values![org_id, since],
        change,
    )?;
    changes.extend(removed);
    Ok(changes)
}

/// Deletes up to `limit` tombstones of machines removed until `removed_until` and returns their number. Machines with an
/// older map then receive the whole map.
pub fn prune(tx: &mut Tx<'_>, removed_until: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let pruned = tx.all(
        "DELETE FROM removed_machines WHERE machine_id IN
             (SELECT machine_id FROM removed_machines WHERE removed_at <= ?1 ORDER BY removed_at LIMIT ?2)
         RETURNING org_id, version",
        values![removed_until, limit],
        |row| Ok((row.text(0)?, row.integer(1)?)),
    )?;
    let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
    for (org_id, version) in &pruned {
        let known = highest.entry(org_id).or_default();
        *known = (*known).max(*version);
    }
    for (org_id, version) in highest {
        tx.execute(
            "UPDATE network_maps SET pruned = ?2 WHERE org_id = ?1 AND pruned < ?2",
            values![org_id, version],
        )?;
    }
    Ok(pruned.len())
}

/// Increments the version of the organisation's map; listeners are notified after commit.
pub(super) fn advance(tx: &mut Tx<'_>, org_id: &str) -> Result<i64, StoreError> {
    if let Some(version) = tx.overlay().and_then(|overlay| overlay.advance_map(org_id)) {
        tx.notify(org_id);
        return Ok(version);
    }
    tx.execute("UPDATE network_maps SET version = version + 1 WHERE org_id = ?1", values![org_id])?;
    let sql = "SELECT version FROM network_maps WHERE org_id = ?1";
    let version = tx.optional(sql, values![org_id], |row| row.integer(0))?;
    tx.notify(org_id);
    version.ok_or_else(|| missing(org_id))
}

/// Advances the map's version because the access rules have changed.
pub(super) fn advance_with_rules(tx: &mut Tx<'_>, org_id: &str, restricted: bool) -> Result<(), StoreError> {
    let version = advance(tx, org_id)?;
    let sql = "UPDATE network_maps SET rules_version = ?2, restricted = ?3 WHERE org_id = ?1";
    tx.execute(sql, values![org_id, version, restricted])?;
    Ok(())
}

/// Records the removal of a machine that last changed for its peers at `map_version`.
pub(super) fn insert_tombstone(
    tx: &mut Tx<'_>,
    machine: &Machine,
    map_version: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let version = match machine.peer() {
        Some(_) => advance(tx, &machine.org_id)?,
        None if map_version == 0 => return Ok(()),
        // It disappeared at this version already, but some peers may not have received that yet.
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
        tags: row.json(8)?.unwrap_or_default(),
    };
    Ok(Change { id, peer: Some(peer) })
}

fn missing(org_id: &str) -> StoreError {
    StoreError::Corrupt { column: "network_maps".to_owned(), reason: format!("no row for {org_id}") }
}
