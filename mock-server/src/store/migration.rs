use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::deadline::Deadline;
use super::{StoreError, name_keys};

/// PostgreSQL has the same: what they say must be portable, but for the names of the types.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/sqlite/0001_initial.sql"),
    include_str!("migrations/sqlite/0002_network_map.sql"),
    include_str!("migrations/sqlite/0003_relay.sql"),
    include_str!("migrations/sqlite/0004_ended_sessions.sql"),
    include_str!("migrations/sqlite/0005_identity.sql"),
    include_str!("migrations/sqlite/0006_device_codes.sql"),
    include_str!("migrations/sqlite/0007_attempts.sql"),
    include_str!("migrations/sqlite/0008_bindings.sql"),
    include_str!("migrations/sqlite/0009_pending.sql"),
    include_str!("migrations/sqlite/0010_authentication.sql"),
    include_str!("migrations/sqlite/0011_audit_log_order.sql"),
    include_str!("migrations/sqlite/0012_machine_order.sql"),
    include_str!("migrations/sqlite/0013_wrong_guesses.sql"),
    include_str!("migrations/sqlite/0014_fewer_indexes.sql"),
    include_str!("migrations/sqlite/0015_access_rules.sql"),
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
        Err(StoreError::Foreign { database: path.display().to_string() })
    }
}

/// Refuses a file whose pages contradict each other, as far as they can be read in `limit`.
pub(super) fn refuse_damaged(
    connection: &Connection,
    path: &Path,
    deadline: &Deadline,
    limit: Duration,
) -> Result<(), StoreError> {
    let started = deadline.start(limit, None);
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    drop(started);
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(problem) => Err(StoreError::DamagedFile { path: path.to_owned(), problem: one_line(&problem) }),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => Ok(()),
        Err(source) => Err(StoreError::Open { path: path.to_owned(), source }),
    }
}

/// Applies all missing migrations to a file.
pub(super) fn apply_to(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let (found, known) =
        version(connection).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
    if found > known {
        return Err(StoreError::TooNew { database: path.display().to_string(), found, known });
    }
    apply(connection).map_err(|source| match source {
        // A table or column that is there or missing although the version says otherwise.
        source @ rusqlite::Error::SqlInputError { .. } => StoreError::DamagedFile {
            path: path.to_owned(),
            problem: format!(
                "it does not have the tables of its version {found} ({})",
                StoreError::from(source)
            ),
        },
        source => StoreError::Open { path: path.to_owned(), source },
    })
}

/// Applies all missing migrations in one transaction.
fn apply(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let (found, known) = version(&transaction)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    name_keys::update(&transaction)?;
    if found < known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    transaction.commit()
}

/// Returns the version of a database, and the one that this program knows.
fn version(connection: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((found, i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)))
}

fn one_line(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("***")).collect::<Vec<_>>().join("; ")
}
