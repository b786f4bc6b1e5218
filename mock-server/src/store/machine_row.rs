//! The row type of the table `machines`.

use ztna_protocol::region::Region;

use super::{Row, StoreError};
use crate::domain::Timestamp;
use crate::domain::machine::Status;
use crate::domain::network_map::{Peer, is_peer};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub id: String,
    pub org_id: String,
    /// Unique in the organisation.
    pub name: String,
    /// Unique in the organisation.
    pub tailnet_ip: String,
    /// As last stored; see [`Status::effective`].
    pub status: Status,
    /// Without the prefix `tag:`.
    pub tags: Vec<String>,
    pub ephemeral: bool,
    /// The WireGuard public key in base64.
    pub public_key: String,
    /// The last reported UDP endpoints.
    pub endpoints: Vec<String>,
    /// The last reported relay.
    pub relay: Option<Region>,
    /// Whether it holds a valid token.
    pub logged_in: bool,
    /// The auth key of the last registration.
    pub auth_key_id: Option<String>,
    /// The user of the last registration, if it used a session.
    pub enrolled_by: Option<String>,
    pub os: Option<String>,
    pub version: Option<String>,
    pub created_at: Timestamp,
    /// The time of the last heartbeat.
    pub last_seen: Timestamp,
}

impl Machine {
    /// Returns the machine as its peers see it, or `None` if it is not visible to them.
    pub fn peer(&self) -> Option<Peer> {
        is_peer(self.status, self.logged_in).then(|| Peer {
            id: self.id.clone(),
            name: self.name.clone(),
            tailnet_ip: self.tailnet_ip.clone(),
            public_key: self.public_key.clone(),
            endpoints: self.endpoints.clone(),
            relay: self.relay,
            online: self.status == Status::Online,
            tags: self.tags.clone(),
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

pub(super) fn status(row: &Row<'_>, column: usize) -> Result<Status, StoreError> {
    let status = row.text(column)?;
    Status::parse(&status).ok_or(StoreError::Corrupt { column: "machines.status".to_owned(), reason: status })
}

/// Reads a machine's relay; an invalid region counts as none.
pub(super) fn relay(row: &Row<'_>, column: usize) -> Result<Option<Region>, StoreError> {
    Ok(row.optional_text(column)?.and_then(|code| code.parse().ok()))
}

/// Reads a row of [`select`].
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
