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

/// Replaces a value that is still `current`, or inserts a setting that is still missing. Returns `false` otherwise.
pub fn exchange(tx: &mut Tx<'_>, name: &str, current: Option<&str>, value: &str) -> Result<bool, StoreError> {
    let changed = match current {
        Some(current) => tx.execute(
            "UPDATE settings SET value = ?2 WHERE name = ?1 AND value = ?3",
            values![name, value, current],
        )?,
        None => tx.execute(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            values![name, value],
        )?,
    };
    Ok(changed > 0)
}

pub fn remove(tx: &mut Tx<'_>, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM settings WHERE name = ?1", values![name])?;
    Ok(())
}
