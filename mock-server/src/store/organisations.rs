use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::values;

pub fn count(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx.optional("SELECT count(*) FROM organisations", &[], |row| row.integer(0))?.unwrap_or(0))
}

/// Inserts an organisation with its address pool and its network map.
pub fn insert(
    tx: &mut Tx<'_>,
    id: &str,
    name: &str,
    machine_limit: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO organisations (id, name, machine_limit, created_at) VALUES (?1, ?2, ?3, ?4)",
        values![id, name, machine_limit, now],
    )?;
    super::addresses::create_pool(tx, id)?;
    super::network_map::create(tx, id)
}
