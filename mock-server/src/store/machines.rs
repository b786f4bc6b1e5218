//! The table `machines`.

use super::{Row, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
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

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, auth_key_id, ",
            "enrolled_by, os, version, created_at, last_seen FROM machines ",
            $rest
        )
    };
}

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

/// Adds a machine.
pub fn insert(tx: &mut Tx<'_>, machine: &Machine, token_hash: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash,
             auth_key_id, enrolled_by, os, version, created_at, last_seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
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
            machine.last_seen
        ],
    )?;
    Ok(())
}

/// Writes what a new registration changes of a machine: all but its id, name, address and first day.
pub fn replace(tx: &mut Tx<'_>, machine: &Machine, token_hash: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE machines SET status = ?2, tags = ?3, ephemeral = ?4, public_key = ?5, token_hash = ?6,
             auth_key_id = ?7, enrolled_by = ?8, os = ?9, version = ?10, last_seen = ?11
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
            machine.last_seen
        ],
    )?;
    Ok(())
}

/// Writes what a machine's life changes: status, tags, version and when it was last heard of.
pub fn update(tx: &mut Tx<'_>, machine: &Machine) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE machines SET status = ?2, tags = ?3, version = ?4, last_seen = ?5 WHERE id = ?1",
        values![
            &machine.id,
            machine.status.as_str(),
            list(&machine.tags),
            machine.version.as_ref(),
            machine.last_seen
        ],
    )?;
    Ok(())
}

/// Voids the machine's token.
pub fn forget_token(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE machines SET token_hash = NULL WHERE id = ?1", values![id])?;
    Ok(())
}

/// Removes a machine and gives its address back.
pub fn delete(tx: &mut Tx<'_>, machine: &Machine, now: Timestamp) -> Result<(), StoreError> {
    let changed = tx.execute("DELETE FROM machines WHERE id = ?1", values![&machine.id])?;
    if changed > 0 {
        super::addresses::release(tx, &machine.org_id, &machine.tailnet_ip, now)?;
    }
    Ok(())
}

// Going away must not be a way out of quarantine: the name would be free again.
macro_rules! reapable {
    () => {
        "ephemeral = 1 AND status <> 'quarantined'"
    };
}

/// Ephemeral machines not heard of since `silent_since`, those silent longest first; none that is in quarantine.
pub fn silent(tx: &mut Tx<'_>, silent_since: Timestamp, most: i64) -> Result<Vec<Machine>, StoreError> {
    tx.all(
        concat!(select!("WHERE "), reapable!(), " AND last_seen <= ?1 ORDER BY last_seen LIMIT ?2"),
        values![silent_since, most],
        machine,
    )
}

/// When the first of those that [`silent`] will come upon was last heard of.
pub fn longest_silence(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.optional(
        concat!("SELECT last_seen FROM machines WHERE ", reapable!(), " ORDER BY last_seen LIMIT 1"),
        &[],
        |row| row.timestamp(0),
    )
}

fn machine(row: &Row<'_>) -> Result<Machine, StoreError> {
    let status = row.text(4)?;
    let status = Status::parse(&status)
        .ok_or(StoreError::Corrupt { column: "machines.status".to_owned(), reason: status })?;
    Ok(Machine {
        id: row.text(0)?,
        org_id: row.text(1)?,
        name: row.text(2)?,
        tailnet_ip: row.text(3)?,
        status,
        tags: row.json(5)?.unwrap_or_default(),
        ephemeral: row.flag(6)?,
        public_key: row.text(7)?,
        auth_key_id: row.optional_text(8)?,
        enrolled_by: row.optional_text(9)?,
        os: row.optional_text(10)?,
        version: row.optional_text(11)?,
        created_at: row.timestamp(12)?,
        last_seen: row.timestamp(13)?,
    })
}

fn list(items: &[String]) -> String {
    serde_json::json!(items).to_string()
}
