use ztna_protocol::machine_name::comparable;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::public_key::spellings;

pub use super::machine_row::Machine;
use super::machine_row::{machine, select};
use super::{StoreError, Tx, network_map};
use crate::domain::Timestamp;
use crate::domain::network_map::is_peer;
use crate::values;

/// Finds a machine by its name, compared without case.
pub fn find_by_name(tx: &mut Tx<'_>, org_id: &str, name: &str) -> Result<Option<Machine>, StoreError> {
    let name_key = comparable(name);
    if tx.overlay().is_some_and(|overlay| overlay.is_name_free(org_id, &name_key)) {
        return Ok(None);
    }
    // Rows of earlier versions may have names that differ in case alone: the same spelling comes first.
    tx.optional(
        select!("WHERE org_id = ?1 AND name_key = ?2 ORDER BY name = ?3 DESC, created_at LIMIT 1"),
        values![org_id, name_key, name],
        machine,
    )
}

/// Returns the id of the machine with this public key, in either spelling.
pub fn id_by_public_key(tx: &mut Tx<'_>, org_id: &str, key: &str) -> Result<Option<String>, StoreError> {
    let keys = spellings(key);
    if tx.overlay().is_some_and(|overlay| overlay.is_public_key_free(org_id, &keys.plain)) {
        return Ok(None);
    }
    // The index has the beginning of keys, which both spellings share. With the organisation as a condition, SQLite would
    // read all of its machines instead.
    let holders = tx.all(
        "SELECT id, org_id FROM machines WHERE substr(public_key, 1, 8) = substr(?1, 1, 8) AND public_key IN (?1, ?2)
         ORDER BY created_at",
        values![&keys.plain, &keys.marked],
        |row| Ok((row.text(0)?, row.text(1)?)),
    )?;
    Ok(holders.into_iter().find_map(|(id, holder)| (holder == org_id).then_some(id)))
}

/// Counts a user's machines that await approval.
pub fn pending(tx: &mut Tx<'_>, org_id: &str, user_id: &str) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM machines WHERE org_id = ?1 AND enrolled_by = ?2 AND status = 'pending'";
    Ok(tx.optional(sql, values![org_id, user_id], |row| row.integer(0))?.unwrap_or(0))
}

pub fn find(tx: &mut Tx<'_>, org_id: &str, id: &str) -> Result<Option<Machine>, StoreError> {
    tx.optional(select!("WHERE id = ?1 AND org_id = ?2"), values![id, org_id], machine)
}

pub fn find_by_token(tx: &mut Tx<'_>, token: &TokenReference) -> Result<Option<Machine>, StoreError> {
    if let Some(id) = &token.machine_id {
        let found =
            tx.optional(select!("WHERE id = ?1 AND token_hash = ?2"), values![id, &token.hash], machine)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    tx.optional(
        select!(
            "WHERE id = (SELECT machine_id FROM former_tokens WHERE token_hash = ?1) AND token_hash = ?1"
        ),
        values![&token.hash],
        machine,
    )
}

/// Inserts a machine, without its endpoints and relay, and assigns it the token with this hash.
pub fn insert(
    tx: &mut Tx<'_>,
    machine: &Machine,
    token_hash: &str,
    attempt: Option<&Attempt>,
) -> Result<(), StoreError> {
    let map_version = match is_peer(machine.status, true) {
        true => network_map::advance(tx, &machine.org_id)?,
        false => 0,
    };
    let name_key = comparable(&machine.name);
    if let Some(overlay) = tx.overlay() {
        overlay.occupy(&machine.org_id, &name_key, &spellings(&machine.public_key).plain);
    }
    tx.insert(
        "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash,
             auth_key_id, enrolled_by, os, version, created_at, last_seen, map_version, name_key,
             attempt_hash, attempted_at, attempt_reregistered)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        values![
            &machine.id,
            &machine.org_id,
            &machine.name,
            &machine.tailnet_ip,
            machine.status.as_str(),
            list(&machine.tags),
            machine.ephemeral,
            &machine.public_key,
            token_hash,
            machine.auth_key_id.as_ref(),
            machine.enrolled_by.as_ref(),
            machine.os.as_ref(),
            machine.version.as_ref(),
            machine.created_at,
            machine.last_seen,
            map_version,
            name_key,
            attempt.map(|attempt| &attempt.hash),
            attempt.map(|attempt| attempt.at),
            attempt.map(|attempt| attempt.reregistered)
        ],
    )
}

/// Stores a new registration of the machine `before`, which keeps its id, name, address and creation time.
pub fn replace(
    tx: &mut Tx<'_>,
    before: &Machine,
    machine: &Machine,
    token_hash: &str,
    attempt: Option<&Attempt>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE machines SET status = ?2, tags = ?3, ephemeral = ?4, public_key = ?5, token_hash = ?6,
             auth_key_id = ?7, enrolled_by = ?8, os = ?9, version = ?10, last_seen = ?11, endpoints = ?12,
             relay = ?13, attempt_hash = ?14, attempted_at = ?15, attempt_reregistered = ?16
         WHERE id = ?1",
        values![
            &machine.id,
            machine.status.as_str(),
            list(&machine.tags),
            machine.ephemeral,
            &machine.public_key,
            token_hash,
            machine.auth_key_id.as_ref(),
            machine.enrolled_by.as_ref(),
            machine.os.as_ref(),
            machine.version.as_ref(),
            machine.last_seen,
            list(&machine.endpoints),
            machine.relay.map(String::from),
            attempt.map(|attempt| &attempt.hash),
            attempt.map(|attempt| attempt.at),
            attempt.map(|attempt| attempt.reregistered)
        ],
    )?;
    // Also if peers see no difference: whoever waits with the former token hears of its end as of any other change.
    if before.peer().is_some() || machine.peer().is_some() { touch(tx, machine) } else { Ok(()) }
}

/// The attempt that registered a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub hash: String,
    pub at: Timestamp,
    pub reregistered: bool,
}

pub fn attempt(tx: &mut Tx<'_>, id: &str) -> Result<Option<Attempt>, StoreError> {
    tx.optional(
        "SELECT attempt_hash, attempted_at, attempt_reregistered FROM machines
         WHERE id = ?1 AND attempt_hash IS NOT NULL",
        values![id],
        |row| Ok(Attempt { hash: row.text(0)?, at: row.timestamp(1)?, reregistered: row.flag(2)? }),
    )
}

/// Stores the status, tags, version, endpoints, relay and last heartbeat of the machine `before`, and invalidates its
/// token if it is no longer logged in.
pub fn update(tx: &mut Tx<'_>, before: &Machine, machine: &Machine) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE machines SET status = ?2, tags = ?3, version = ?4, last_seen = ?5, endpoints = ?6, relay = ?7
         WHERE id = ?1",
        values![
            &machine.id,
            machine.status.as_str(),
            list(&machine.tags),
            machine.version.as_ref(),
            machine.last_seen,
            list(&machine.endpoints),
            machine.relay.map(String::from)
        ],
    )?;
    if before.logged_in && !machine.logged_in {
        tx.execute("UPDATE machines SET token_hash = NULL WHERE id = ?1", values![&machine.id])?;
    }
    notify_peers(tx, before, machine)
}

/// Deletes a machine, releases its address and notifies its peers.
pub fn delete(tx: &mut Tx<'_>, machine: &Machine, now: Timestamp) -> Result<(), StoreError> {
    let sql = "SELECT map_version FROM machines WHERE id = ?1";
    let found = tx.optional(sql, values![&machine.id], |row| row.integer(0))?;
    if let Some(map_version) = found {
        tx.execute("DELETE FROM machines WHERE id = ?1", values![&machine.id])?;
        super::addresses::release(tx, &machine.org_id, &machine.tailnet_ip, now)?;
        network_map::insert_tombstone(tx, machine, map_version, now)?;
    }
    Ok(())
}

/// Advances the map's version if the machine changed for its peers.
fn notify_peers(tx: &mut Tx<'_>, before: &Machine, machine: &Machine) -> Result<(), StoreError> {
    if before.peer() == machine.peer() { Ok(()) } else { touch(tx, machine) }
}

/// Advances the map's version, at which the machine counts as changed.
fn touch(tx: &mut Tx<'_>, machine: &Machine) -> Result<(), StoreError> {
    let map_version = network_map::advance(tx, &machine.org_id)?;
    tx.execute("UPDATE machines SET map_version = ?2 WHERE id = ?1", values![&machine.id, map_version])?;
    Ok(())
}

fn list(items: &[String]) -> String {
    serde_json::json!(items).to_string()
}
