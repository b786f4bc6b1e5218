//! Errors of the store.

use std::path::PathBuf;
use std::sync::Arc;

/// A failure of the store itself, never caused by a client's input.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint was violated, named by table and columns as the database reports them.
    #[error("duplicate value for {constraint}")]
    Unique { constraint: String },
    #[error("cannot open the database {}: {source}\n{}", path.display(), open_hint(source))]
    Open { path: PathBuf, source: rusqlite::Error },
    /// The file was written by a newer version of this program.
    #[error(
        "unsupported database version {found}: this program supports up to version {known}\nUse a newer mock-server or another database file."
    )]
    TooNew { found: i64, known: i64 },
    /// A column contains a value that its table does not allow.
    #[error("corrupt value in {column}: {reason}")]
    Corrupt { column: String, reason: String },
    /// The store was closed, or the job panicked.
    #[error("the store stopped before the job completed")]
    Stopped,
    /// Any other failure: a full disk, an I/O error, invalid SQL.
    #[error("database error: {0}")]
    Database(#[source] Arc<rusqlite::Error>),
    #[error("statement writes in a read transaction: {0}")]
    WriteInRead(String),
    #[error("cannot start the thread {name}: {source}")]
    Thread { name: &'static str, source: std::io::Error },
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
            _ => Self::Database(Arc::new(error)),
        }
    }
}

fn open_hint(cause: &rusqlite::Error) -> &'static str {
    match cause.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            "Move the file away or choose another one with --database."
        }
        Some(rusqlite::ErrorCode::DatabaseBusy) => {
            "Stop the program that has it open or choose another file with --database."
        }
        _ => "Check that the file and its folder exist and are writable.",
    }
}
