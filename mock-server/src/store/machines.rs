//! The table `machines`.

use ztna_protocol::region::Region;

use super::{Row, StoreError, Tx, network_map};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::domain::network_map::{Peer, is_peer};
use crate::values;

/// A machine's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The row's id.
    pub id: String,
    /// Its organisation.
    pub org_id: String,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Its address within the tailnet, unique in the organisation.
    pub tailnet_ip: String,
    /// How it is, as it was last told.
    pub status: Status,
    /// Its tags, without prefix.
    pub tags: Vec<String>,
    /// Whether it goes away by itself.
    pub ephemeral: bool,
    /// Its WireGuard public key, base64.
    pub public_key: String,
    /// Where it can be reached over UDP, as it said last.
    pub endpoints: Vec<String>,
    /// The relay where it listens, as it said last.
    pub relay: Option<Region>,
    /// Whether it holds a token.
    pub logged_in: bool,
    /// The auth key it was enrolled with last.
    pub auth_key_id: Option<String>,
    /// The user who enrolled it last, if it was not an auth key.
    pub enrolled_by: Option<String>,
    /// Its operating system, as it says.
    pub os: Option<String>,
    /// Its agent's version, as it says.
    pub version: Option<String>,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When it was last heard of.
    pub last_seen: Timestamp,
}

impl Machine {
    /// The machine as its peers see it; `None` if it is nobody's peer.
    pub fn peer(&self) -> Option<Peer> {
        is_peer(self.status, self.logged_in).then(|| Peer {
            id: self.id.clone(),
            name: self.name.clone(),
            tailnet_ip: self.tailnet_ip.clone(),
            public_key: self.public_key.clone(),
            endpoints: self.endpoints.clone(),
            relay: self.relay,
            online: self.status == Status::Online,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, auth_key_id, ",
            "enrolled_by, os, version, created_at, last_seen, endpoints, token_hash IS NOT NULL, relay FROM machines ",
            $rest
        )
    };
}
pub(super) use select;

/// The organisation's machine of that name.
pub fn find_by_name(tx: &mut Tx<'_>, org_id: &str, name: &str) -> Result<Option<Machine>, StoreError> {
    tx.optional(select!("WHERE org_id = ?1 AND name = ?2"), values![org_id, name], machine)
}

/// The organisation's machine with that id.
pub fn find(tx: &mut Tx<'_>, org_id: &str, id: &str) -> Result<Option<Machine>, StoreError> {
    tx.optional(select!("WHERE id = ?1 AND org_id = ?2"), values![id, org_id], machine)
}

/// The machine whose token has that hash.
pub fn find_by_token(tx: &mut Tx<'_>, token_hash: &str) -> Result<Option<Machine>, StoreError> {
    tx.optional(select!("WHERE token_hash = ?1"), values![token_hash], machine)
}

/// Adds a machine that holds the token with that hash, without endpoints or relay.
pub fn insert(tx: &mut Tx<'_>, machine: &Machine, token_hash: &str) -> Result<(), StoreError> {
    let map_version = match is_peer(machine.status, true) {
        true => network_map::advance(tx, &machine.org_id)?,
        false => 0,
    };
    tx.execute(
        "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash,
             auth_key_id, enrolled_by, os, version, created_at, last_seen, map_version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
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
            map_version
        ],
    )?;
    Ok(())
}

/// Writes what a new registration changes of the machine `before`: all but its id, name, address and first day.
pub fn replace(
    tx: &mut Tx<'_>,
    before: &Machine,
    machine: &Machine,
    token_hash: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE machines SET status = ?2, tags = ?3, ephemeral = ?4, public_key = ?5, token_hash = ?6,
             auth_key_id = ?7, enrolled_by = ?8, os = ?9, version = ?10, last_seen = ?11, endpoints = ?12,
             relay = ?13
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
            machine.relay.map(String::from)
        ],
    )?;
    tell_peers(tx, before, machine)
}

/// Writes what life changes of the machine `before`: status, tags, version, endpoints, relay, when it was last heard of; and
/// voids its token if it is no longer logged in.
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
    tell_peers(tx, before, machine)
}

/// Removes a machine, gives its address back and lets its peers know.
pub fn delete(tx: &mut Tx<'_>, machine: &Machine, now: Timestamp) -> Result<(), StoreError> {
    let deleted = tx.optional(
        "DELETE FROM machines WHERE id = ?1 RETURNING map_version",
        values![&machine.id],
        |row| row.integer(0),
    )?;
    if let Some(map_version) = deleted {
        super::addresses::release(tx, &machine.org_id, &machine.tailnet_ip, now)?;
        network_map::bury(tx, machine, map_version, now)?;
    }
    Ok(())
}

/// A new version of the map, if the machine's peers see a difference.
fn tell_peers(tx: &mut Tx<'_>, before: &Machine, machine: &Machine) -> Result<(), StoreError> {
    if before.peer() == machine.peer() {
        return Ok(());
    }
    let map_version = network_map::advance(tx, &machine.org_id)?;
    tx.execute("UPDATE machines SET map_version = ?2 WHERE id = ?1", values![&machine.id, map_version])?;
    Ok(())
}

/// A machine's status.
pub(super) fn status(row: &Row<'_>, column: usize) -> Result<Status, StoreError> {
    let status = row.text(column)?;
    Status::parse(&status).ok_or(StoreError::Corrupt { column: "machines.status".to_owned(), reason: status })
}

/// A machine's relay. One that no longer can be a region's counts as none.
pub(super) fn relay(row: &Row<'_>, column: usize) -> Result<Option<Region>, StoreError> {
    Ok(row.optional_text(column)?.and_then(|code| code.parse().ok()))
}

/// A row that [`select`] asked for.
pub(super) fn machine(row: &Row<'_>) -> Result<Machine, StoreError> {
    Ok(Machine {
        id: row.text(0)?,
        org_id: row.text(1)?,
        name: row.text(2)?,
        tailnet_ip: row.text(3)?,
        status: status(row, 4)?,
        tags: row.json(5)?.unwrap_or_default(),
        ephemeral: row.flag(6)?,
        public_key: row.text(7)?,
        auth_key_id: row.optional_text(8)?,
        enrolled_by: row.optional_text(9)?,
        os: row.optional_text(10)?,
        version: row.optional_text(11)?,
        created_at: row.timestamp(12)?,
        last_seen: row.timestamp(13)?,
        endpoints: row.json(14)?.unwrap_or_default(),
        logged_in: row.flag(15)?,
        relay: relay(row, 16)?,
    })
}

fn list(items: &[String]) -> String {
    serde_json::json!(items).to_string()
}
