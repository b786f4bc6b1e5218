//! A row of the table `machines`, as it is read.

use ztna_protocol::region::Region;

use super::{Row, StoreError};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::domain::network_map::{Peer, is_peer};

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
