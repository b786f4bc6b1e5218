use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::{StoreError, name_keys};

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/sqlite/0001_initial.sql"),
    include_str!("migrations/sqlite/0002_network_map.sql"),
    include_str!("migrations/sqlite/0003_relay.sql"),
    include_str!("migrations/sqlite/0004_ended_sessions.sql"),
    include_str!("migrations/sqlite/0005_identity.sql"),
    include_str!("migrations/sqlite/0006_device_codes.sql"),
    include_str!("migrations/sqlite/0007_attempts.sql"),
    include_str!("migrations/sqlite/0008_bindings.sql"),
    include_str!("migrations/sqlite/0009_pending.sql"),
];

/// The template of in-memory databases: creating the tables takes several times as long as copying them.
static TEMPLATE: Mutex<Option<Connection>> = Mutex::new(None);

/// Opens an empty, fully migrated in-memory database.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    let mut shared = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    let template = match &mut *shared {
        Some(template) => template,
        uninitialised => {
            let mut template = Connection::open_in_memory()?;
            apply(&mut template)?;
            uninitialised.insert(template)
        }
    };
    Backup::new(template, &mut connection)?.step(-1)?;
    Ok(connection)
}

/// Refuses a file with tables that this program did not create.
pub(super) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Open { path: path.to_owned(), source };
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed);
    let tables = count("SELECT count(*) FROM sqlite_schema WHERE type = 'table'")?;
    let own =
        count("SELECT count(*) FROM sqlite_schema WHERE name IN ('organisations', 'auth_keys', 'settings')")?;
    let version = count("PRAGMA user_version")?;
    let is_empty = tables == 0 && version == 0;
    if is_empty || (version > 0 && own == 3) {
        Ok(())
    } else {
        Err(StoreError::Foreign { path: path.to_owned() })
    }
}

/// Applies all missing migrations in one transaction.
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
    name_keys::update(&transaction)?;
    if found < known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    Ok(transaction.commit()?)
}
