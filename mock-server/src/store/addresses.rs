//! The tables `address_pools` and `released_addresses`: the tailnet addresses that an organisation has assigned.
//!
//! Every statement touches one or two rows, regardless of the number of machines.

use std::net::Ipv4Addr;

use ztna_protocol::address;

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::quota::Quota;
use crate::values;

pub fn create_pool(tx: &mut Tx<'_>, org_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO address_pools (org_id, next_offset, machines) VALUES (?1, ?2, 0)",
        values![org_id, address::FIRST],
    )?;
    Ok(())
}

/// Returns the organisation's quota, or `None` if it does not exist. Machines that await approval take no place.
pub fn quota(tx: &mut Tx<'_>, org_id: &str) -> Result<Option<Quota>, StoreError> {
    tx.optional(
        "SELECT p.machines - (SELECT count(*) FROM machines m WHERE m.org_id = o.id AND m.status = 'pending'),
             o.machine_limit
         FROM organisations o JOIN address_pools p ON p.org_id = o.id WHERE o.id = ?1",
        values![org_id],
        |row| Ok(Quota { machines: row.integer(0)?, limit: row.integer(1)? }),
    )
}

/// Assigns an address, or returns `None` if the block is exhausted. Prefers addresses that were never used, then the
/// one released longest ago, so that peers no longer associate it with its former machine.
pub fn take(tx: &mut Tx<'_>, org_id: &str) -> Result<Option<Ipv4Addr>, StoreError> {
    if let Some(offset) = tx.overlay().and_then(|overlay| overlay.take_address(org_id)) {
        return at("address_pools.next_offset", offset).map(Some);
    }
    let fresh = tx.execute(
        "UPDATE address_pools SET next_offset = next_offset + 1, machines = machines + 1
         WHERE org_id = ?1 AND next_offset <= ?2",
        values![org_id, address::LAST],
    )?;
    if fresh > 0 {
        let sql = "SELECT next_offset - 1 FROM address_pools WHERE org_id = ?1";
        let offset = tx.optional(sql, values![org_id], |row| row.integer(0))?;
        return offset.map(|offset| at("address_pools.next_offset", offset)).transpose();
    }
    let released = tx.optional(
        "SELECT \"offset\" FROM released_addresses WHERE org_id = ?1 ORDER BY released_at, \"offset\" LIMIT 1",
        values![org_id],
        |row| row.integer(0),
    )?;
    if let Some(offset) = released {
        let sql = "DELETE FROM released_addresses WHERE org_id = ?1 AND \"offset\" = ?2";
        tx.execute(sql, values![org_id, offset])?;
        tx.execute("UPDATE address_pools SET machines = machines + 1 WHERE org_id = ?1", values![org_id])?;
    }
    released.map(|offset| at("released_addresses.offset", offset)).transpose()
}

fn at(column: &str, offset: i64) -> Result<Ipv4Addr, StoreError> {
    address::at(offset).ok_or_else(|| StoreError::Corrupt {
        column: column.to_owned(),
        reason: format!("{offset} is outside the block"),
    })
}

/// Returns a removed machine's address to the pool.
pub fn release(tx: &mut Tx<'_>, org_id: &str, tailnet_ip: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.execute("UPDATE address_pools SET machines = machines - 1 WHERE org_id = ?1", values![org_id])?;
    if let Some(offset) = address::offset(tailnet_ip) {
        tx.execute(
            "INSERT INTO released_addresses (org_id, \"offset\", released_at) VALUES (?1, ?2, ?3)",
            values![org_id, offset, now],
        )?;
    }
    Ok(())
}
