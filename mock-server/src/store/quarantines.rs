//! The table `quarantines`: the names and public keys that no registration may use until an admin releases them.

use ztna_protocol::machine_name::comparable;
use ztna_protocol::public_key::spellings;

use super::machine_row::Machine;
use super::postgres::Overlay;
use super::{StoreError, Tx};
use crate::domain::machine::Status;
use crate::values;

/// Binds the machine's name and public key; the first quarantine of a machine counts.
pub fn insert(tx: &mut Tx<'_>, machine: &Machine) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO quarantines (machine_id, org_id, name_key, public_key, was_pending) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (machine_id) DO NOTHING",
        values![
            &machine.id,
            &machine.org_id,
            comparable(&machine.name),
            &machine.public_key,
            machine.status == Status::Pending
        ],
    )?;
    Ok(())
}

/// Whether a quarantine binds this name, compared without case, or this public key.
pub fn binds(tx: &mut Tx<'_>, org_id: &str, name: &str, public_key: &str) -> Result<bool, StoreError> {
    let (name_key, keys) = (comparable(name), spellings(public_key));
    let unbound = |overlay: &mut Overlay| {
        overlay.is_name_free(org_id, &name_key) && overlay.is_public_key_free(org_id, &keys.plain)
    };
    if tx.overlay().is_some_and(unbound) {
        return Ok(false);
    }
    let found = tx.optional(
        // Two searches: for one with OR, SQLite reads all of the organisation's.
        "SELECT 1 FROM quarantines WHERE org_id = ?1 AND name_key = ?2 UNION ALL
         SELECT 1 FROM quarantines WHERE org_id = ?1 AND public_key IN (?3, ?4) LIMIT 1",
        values![org_id, &name_key, &keys.plain, &keys.marked],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Ends a quarantine. Returns whether its machine awaited approval before, or `None` if there was no quarantine.
pub fn remove(tx: &mut Tx<'_>, org_id: &str, machine_id: &str) -> Result<Option<bool>, StoreError> {
    tx.optional(
        "DELETE FROM quarantines WHERE machine_id = ?1 AND org_id = ?2 RETURNING was_pending",
        values![machine_id, org_id],
        |row| row.flag(0),
    )
}
