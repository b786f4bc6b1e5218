//! The tables `address_pools` and `released_addresses`: which tailnet addresses an organisation has given out.

use super::{StoreError, Tx};
use crate::values;

/// Gives an organisation its pool, full.
pub fn open_pool(tx: &mut Tx<'_>, org_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO address_pools (org_id, next_offset, machines) VALUES (?1, 1, 0)",
        values![org_id],
    )?;
    Ok(())
}
