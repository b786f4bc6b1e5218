//! Brings a database's tables up to the version this program knows.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::StoreError;

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/sqlite/0001_initial.sql"),
    include_str!("migrations/sqlite/0002_network_map.sql"),
    include_str!("migrations/sqlite/0003_relay.sql"),
];

/// What every new database in memory is a copy of: making the tables takes several times as long as copying them.
static EMPTY: Mutex<Option<Connection>> = Mutex::new(None);

/// A database in memory, empty and up to date.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    let mut empty = EMPTY.lock().unwrap_or_else(PoisonError::into_inner);
    let template = match &mut *empty {
        Some(template) => template,
        unmade => {
            let mut template = Connection::open_in_memory()?;
            apply(&mut template)?;
            unmade.insert(template)
        }
    };
    Backup::new(template, &mut connection)?.step(-1)?;
    Ok(connection)
}

/// Applies what is missing, all of it or nothing.
pub(super) fn apply(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    if found < known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    Ok(transaction.commit()?)
}
