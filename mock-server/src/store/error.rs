use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::{self, AddressError};

/// A failure of the store itself, never caused by a client's input.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint was violated, named by table and columns as the database reports them.
    #[error("duplicate value for {constraint}")]
    Unique { constraint: String },
    #[error("cannot open the database {}: {}\n{}", path.display(), cause(source), way_out(source))]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("the database {} is not a regular file\nChoose another file with --database.", path.display())]
    NotAFile { path: PathBuf },
    #[error(
        "the database {} is damaged: {problem}\nRestore a backup, or save what can be read with `sqlite3 FILE .recover`.",
        path.display()
    )]
    DamagedFile { path: PathBuf, problem: String },
    #[error("cannot create or read {}: {source}\nChoose another file with --database.", path.display())]
    Files { path: PathBuf, source: std::io::Error },
    #[error(
        "other users can read or write {} (mode {mode:04o}), which contains credentials\nRun `chmod 600` on it, or choose another file with --database.",
        path.display()
    )]
    ReadableByOthers { path: PathBuf, mode: u32 },
    #[error(
        "other users can write to the folder {} (mode {mode:04o}), and so replace the database\nChoose a file in another folder with --database; a missing folder is created with mode 0700.",
        folder.display()
    )]
    WritableByOthers { folder: PathBuf, mode: u32 },
    /// The file is a database of another program.
    #[error("{database} is a database of another program\nChoose another one with --database.")]
    Foreign { database: String },
    /// The database was migrated by a newer version of this program.
    #[error(
        "the database {database} has the unsupported version {found}: this program supports up to version {known}\nUse a newer mock-server or another database."
    )]
    TooNew { database: String, found: i64, known: i64 },
    /// A connection to PostgreSQL cannot be opened.
    #[error("cannot use the database {address}: {cause}\n{way_out}")]
    Connect { address: String, cause: String, way_out: &'static str, condition: Condition },
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A column contains a value that its table does not allow.
    #[error("corrupt value in {column}: {reason}")]
    Corrupt { column: String, reason: String },
    /// The store was closed, or the job panicked.
    #[error("the store stopped before the job completed")]
    Stopped,
    /// The database cannot be used at the moment; the operation had no effect.
    #[error("{0}")]
    Unavailable(Condition),
    /// Any other failure, such as an I/O error or invalid SQL.
    #[error("database error: {}", cause(.0))]
    Database(#[source] Arc<rusqlite::Error>),
    /// As [`StoreError::Database`], from PostgreSQL.
    #[error("database error: {}", postgres::cause(.0))]
    Postgres(#[source] Arc<tokio_postgres::Error>),
    #[error("a statement writes in a read transaction")]
    WriteInRead,
    #[error("cannot start the thread {name}: {source}")]
    Thread { name: &'static str, source: std::io::Error },
}

/// Why a database cannot be used, although the program is right and the data are sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Condition {
    #[error("the database is locked by another program")]
    Locked,
    #[error("the disk of the database is full")]
    DiskFull,
    #[error("the database is read-only")]
    ReadOnly,
    /// An error of another job, such as a full disk, ended the transaction that they shared.
    #[error("the database rolled the transaction back")]
    RolledBack,
    /// A job was interrupted at its deadline.
    #[error("the query takes too long")]
    TooSlow,
    #[error("the database is damaged")]
    Damaged,
    #[error("the file of the database was removed or replaced")]
    Moved,
    #[error("the disk or the file system of the database fails")]
    Failing,
    #[error("the database cannot be reached")]
    Unreachable,
    #[error("the connection to the database was lost")]
    Disconnected,
    /// The connection was lost before the answer to a commit.
    #[error("the connection to the database was lost during the commit")]
    Uncertain,
    #[error("the database has no free connection")]
    TooManyConnections,
    #[error("the database refuses the server's credentials")]
    Refused,
    /// Nothing was sent to whatever answers at its address.
    #[error("the database's certificate cannot be verified")]
    Untrusted,
}

impl Condition {
    /// Whether the same request may succeed without anybody's help.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Locked | Self::RolledBack | Self::DiskFull | Self::ReadOnly | Self::TooSlow => true,
            Self::Unreachable | Self::Disconnected | Self::Uncertain | Self::TooManyConnections => true,
            Self::Untrusted => true,
            Self::Damaged | Self::Moved | Self::Failing | Self::Refused => false,
        }
    }

    /// What an operator can do.
    pub fn way_out(self) -> &'static str {
        match self {
            Self::Locked => "end the program that holds the lock",
            Self::DiskFull => "make room on the disk",
            Self::ReadOnly => "make the file and its file system writable",
            Self::RolledBack => "see the error before this one",
            Self::TooSlow => "nothing needs to be done",
            Self::Damaged => {
                "stop the server, then restore a backup or save what can be read with `sqlite3 FILE .recover`"
            }
            Self::Moved => "stop the server, put the file back, and start it again",
            Self::Unreachable => "start PostgreSQL, or restore the network to it",
            Self::Disconnected => "nothing needs to be done if PostgreSQL runs: the server connects again",
            Self::Uncertain => "nothing needs to be done if PostgreSQL runs; the change may have been made",
            Self::TooManyConnections => "end other programs' connections, or raise max_connections",
            Self::Refused => "check user, password and pg_hba.conf, then start the server again",
            Self::Untrusted => "check the certificate of PostgreSQL: its authority, its names and its expiry",
            Self::Failing => "check the disk and the mount, then start the server again",
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::from(Arc::new(error))
    }
}

impl From<Arc<rusqlite::Error>> for StoreError {
    fn from(error: Arc<rusqlite::Error>) -> Self {
        if let Some(condition) = condition(&error) {
            return Self::Unavailable(condition);
        }
        match error.as_ref() {
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
            _ => Self::Database(error),
        }
    }
}

fn condition(error: &rusqlite::Error) -> Option<Condition> {
    match extended_code(error) {
        Some(rusqlite::ffi::SQLITE_ABORT_ROLLBACK) => return Some(Condition::RolledBack),
        Some(rusqlite::ffi::SQLITE_IOERR_SHORT_READ) => return Some(Condition::Damaged),
        _ => {}
    }
    match error.sqlite_error_code()? {
        rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => Some(Condition::Locked),
        rusqlite::ErrorCode::DiskFull => Some(Condition::DiskFull),
        rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase => Some(Condition::Damaged),
        rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::CannotOpen => Some(Condition::Failing),
        rusqlite::ErrorCode::OperationInterrupted => Some(Condition::TooSlow),
        rusqlite::ErrorCode::ReadOnly => Some(Condition::ReadOnly),
        _ => None,
    }
}

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// Describes an error without the statement, which the library's own message repeats.
fn cause(error: &rusqlite::Error) -> String {
    match error {
        _ if extended_code(error) == Some(rusqlite::ffi::SQLITE_IOERR_SHORT_READ) => {
            "the file is shorter than it says".to_owned()
        }
        rusqlite::Error::SqliteFailure(code, message) => message.clone().unwrap_or_else(|| code.to_string()),
        rusqlite::Error::SqlInputError { error, msg, .. } => {
            format!("{msg} (SQLite error {})", error.extended_code)
        }
        other => other.to_string(),
    }
}

fn way_out(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            "Move the file away or choose another one with --database."
        }
        _ if condition(error) == Some(Condition::Damaged) => {
            "Restore a backup, or save what can be read with `sqlite3 FILE .recover`."
        }
        Some(rusqlite::ErrorCode::DatabaseBusy) => {
            "Stop the program that has it open or choose another file with --database."
        }
        Some(rusqlite::ErrorCode::ReadOnly) => "Make the file, its folder and its file system writable.",
        Some(rusqlite::ErrorCode::DiskFull) => "Make room on the disk.",
        _ => "Check that the file and its folder exist and are writable.",
    }
}
