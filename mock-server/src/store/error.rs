//! Why the database did not do what it was asked.

use std::path::PathBuf;

/// A failure of the store itself: never the fault of what a client sent.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row with the same unique value exists already.
    #[error("a row with this {constraint} exists already")]
    Unique {
        /// Table and columns of the index, as the database names them.
        constraint: String,
    },
    /// The database file cannot be opened or made.
    #[error("cannot open the database {}: {source}; {}", path.display(), way_out(source))]
    Open {
        /// The file named on the command line.
        path: PathBuf,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// The file holds tables of a newer version of this program.
    #[error(
        "the database is of version {found}, this program knows versions up to {known}; start a newer mock-server or name another file"
    )]
    TooNew {
        /// The version in the file.
        found: i64,
        /// The newest version this program has a migration for.
        known: i64,
    },
    /// A column holds something else than its table's rules allow.
    #[error("the database holds an unreadable {column}: {reason}")]
    Corrupt {
        /// The column's name or place.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store was closed, or the work given to it broke off.
    #[error("the store stopped before the work was done")]
    Stopped,
    /// Anything else the database reports: a full disk, an I/O error, SQL it does not accept.
    #[error("the database failed: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(code, message)
                if matches!(
                    code.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                ) =>
            {
                let message = message.as_deref().unwrap_or_default();
                let constraint = message.split_once(": ").map_or(message, |(_, columns)| columns);
                Self::Unique { constraint: constraint.to_owned() }
            }
            _ => Self::Database(error.to_string()),
        }
    }
}

fn way_out(cause: &rusqlite::Error) -> &'static str {
    match cause.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            "move it away, or name another file with --database"
        }
        Some(rusqlite::ErrorCode::DatabaseBusy) => {
            "another program holds it: stop that one, or name another file"
        }
        _ => "check that it and its folder exist and can be written",
    }
}
