//! The table `settings`: what a database keeps about itself.

use super::{StoreError, Tx};
use crate::values;

/// A setting's value.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.optional("SELECT value FROM settings WHERE name = ?1", values![name], |row| row.text(0))
}

/// Keeps a setting that is not there yet.
pub fn insert(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute("INSERT INTO settings (name, value) VALUES (?1, ?2)", values![name, value])?;
    Ok(())
}
