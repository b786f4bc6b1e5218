//! The table `ended_sessions`: sessions that were ended before they expired.

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::values;

/// Ends a session; `expires_at` is the end of its tokens.
pub fn insert(tx: &mut Tx<'_>, id: &str, expires_at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO ended_sessions (id, expires_at) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
    tx.execute(sql, values![id, expires_at])?;
    Ok(())
}

pub fn contains(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    let found = tx.optional("SELECT 1 FROM ended_sessions WHERE id = ?1", values![id], |_| Ok(()))?;
    Ok(found.is_some())
}

/// Deletes at most `limit` rows that expired before `now`, and returns their number.
pub fn prune(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM ended_sessions WHERE id IN (SELECT id FROM ended_sessions WHERE expires_at < ?1 LIMIT ?2)";
    tx.execute(sql, values![now, limit])
}
