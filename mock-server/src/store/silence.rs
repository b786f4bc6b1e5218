//! The machines that are not heard of any more.

use super::machine_row::{Machine, machine, select};
use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::values;

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

/// Machines that are online by name and not heard of since `silent_since`, those silent longest first.
pub fn missed(tx: &mut Tx<'_>, silent_since: Timestamp, most: i64) -> Result<Vec<Machine>, StoreError> {
    tx.all(
        select!("WHERE status = 'online' AND last_seen <= ?1 ORDER BY last_seen LIMIT ?2"),
        values![silent_since, most],
        machine,
    )
}

/// When the first of those that [`missed`] will come upon was last heard of.
pub fn longest_missed(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.optional(
        "SELECT last_seen FROM machines WHERE status = 'online' ORDER BY last_seen LIMIT 1",
        &[],
        |row| row.timestamp(0),
    )
}
