//! The table `settings`: key-value pairs of the database itself.

use super::{StoreError, Tx};
use crate::values;

pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.optional("SELECT value FROM settings WHERE name = ?1", values![name], |row| row.text(0))
}

/// Inserts a setting that does not exist yet.
pub fn insert(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute("INSERT INTO settings (name, value) VALUES (?1, ?2)", values![name, value])?;
    Ok(())
}

/// Inserts a setting, or replaces its value.
pub fn put(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
    tx.execute(sql, values![name, value])?;
    Ok(())
}

pub fn remove(tx: &mut Tx<'_>, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM settings WHERE name = ?1", values![name])?;
    Ok(())
}
