use super::machine_row::{Machine, machine, select};
use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::values;

// A quarantined machine must not escape by being removed: its name would become available.
macro_rules! reapable {
    () => {
        "ephemeral = 1 AND status <> 'quarantined'"
    };
}

/// Returns ephemeral machines without a heartbeat since `silent_since`, oldest first, except quarantined ones.
pub fn silent_ephemeral(
    tx: &mut Tx<'_>,
    silent_since: Timestamp,
    limit: i64,
) -> Result<Vec<Machine>, StoreError> {
    tx.all(
        concat!(select!("WHERE "), reapable!(), " AND last_seen <= ?1 ORDER BY last_seen LIMIT ?2"),
        values![silent_since, limit],
        machine,
    )
}

/// The oldest heartbeat among the machines that [`silent_ephemeral`] can return.
pub fn oldest_ephemeral(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.optional(
        concat!("SELECT last_seen FROM machines WHERE ", reapable!(), " ORDER BY last_seen LIMIT 1"),
        &[],
        |row| row.timestamp(0),
    )
}

/// Returns machines that await approval without a heartbeat since `silent_since`, oldest first.
pub fn silent_pending(
    tx: &mut Tx<'_>,
    silent_since: Timestamp,
    limit: i64,
) -> Result<Vec<Machine>, StoreError> {
    tx.all(
        select!("WHERE status = 'pending' AND last_seen <= ?1 ORDER BY last_seen LIMIT ?2"),
        values![silent_since, limit],
        machine,
    )
}

/// The oldest heartbeat among the machines that [`silent_pending`] can return.
pub fn oldest_pending(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.optional(
        "SELECT last_seen FROM machines WHERE status = 'pending' ORDER BY last_seen LIMIT 1",
        &[],
        |row| row.timestamp(0),
    )
}

/// Returns machines stored as online without a heartbeat since `silent_since`, oldest first.
pub fn silent_online(
    tx: &mut Tx<'_>,
    silent_since: Timestamp,
    limit: i64,
) -> Result<Vec<Machine>, StoreError> {
    tx.all(
        select!("WHERE status = 'online' AND last_seen <= ?1 ORDER BY last_seen LIMIT ?2"),
        values![silent_since, limit],
        machine,
    )
}

/// The oldest heartbeat among the machines that [`silent_online`] can return.
pub fn oldest_online(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    tx.optional(
        "SELECT last_seen FROM machines WHERE status = 'online' ORDER BY last_seen LIMIT 1",
        &[],
        |row| row.timestamp(0),
    )
}
