//! What PostgreSQL's failures mean for a caller and for an operator.

use std::error::Error as _;
use std::sync::Arc;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::store::{Condition, StoreError};

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::from(Arc::new(error))
    }
}

impl From<Arc<Error>> for StoreError {
    fn from(error: Arc<Error>) -> Self {
        let Some(reported) = error.as_db_error() else {
            return match is_lost(&error) {
                true => Self::Unavailable(Condition::Disconnected),
                false => Self::Postgres(error),
            };
        };
        match reported.code() {
            &SqlState::UNIQUE_VIOLATION => Self::Unique { constraint: columns(reported) },
            &SqlState::READ_ONLY_SQL_TRANSACTION => Self::WriteInRead,
            code => condition(code).map_or(Self::Postgres(error), Self::Unavailable),
        }
    }
}

/// Whether the connection ended, rather than the database refusing a statement.
pub(super) fn is_lost(error: &Error) -> bool {
    let has_io_source = || error.source().is_some_and(|source| source.is::<std::io::Error>());
    error.is_closed() || (error.as_db_error().is_none() && has_io_source())
}

fn condition(code: &SqlState) -> Option<Condition> {
    Some(match code {
        &SqlState::QUERY_CANCELED => Condition::TooSlow,
        &SqlState::LOCK_NOT_AVAILABLE => Condition::Locked,
        &SqlState::DISK_FULL => Condition::DiskFull,
        &SqlState::TOO_MANY_CONNECTIONS => Condition::TooManyConnections,
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::IN_FAILED_SQL_TRANSACTION => Condition::RolledBack,
        &SqlState::INVALID_PASSWORD
        | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | &SqlState::INVALID_CATALOG_NAME => Condition::Refused,
        &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => {
            Condition::Disconnected
        }
        &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Condition::Disconnected,
        &SqlState::IO_ERROR => Condition::Failing,
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => Condition::Damaged,
        _ => return None,
    })
}

/// Names the columns of a violated constraint as SQLite does. The detail also has the values, which may be secret.
fn columns(error: &DbError) -> String {
    let table = error.table().unwrap_or_default();
    let detail = error.detail().and_then(|detail| detail.strip_prefix("Key (")?.split_once(")=("));
    match detail {
        Some((columns, _)) => {
            let columns: Vec<_> = columns.split(", ").map(|column| format!("{table}.{column}")).collect();
            columns.join(", ")
        }
        None => error.constraint().unwrap_or(table).to_owned(),
    }
}

/// Describes a failure without the statement and its values.
pub(in crate::store) fn cause(error: &Error) -> String {
    match error.as_db_error() {
        Some(reported) => format!("{} (SQLSTATE {})", reported.message(), reported.code().code()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}").replace('\n', " "),
            None => error.to_string(),
        },
    }
}

/// Why a server cannot start with this database, and the way out.
pub(in crate::store) fn start_problem(error: &Error) -> (String, &'static str) {
    let way_out = match error.code() {
        Some(&SqlState::INVALID_PASSWORD) => {
            "Set the password with PGPASSWORD or in a PGPASSFILE, and check the user in --database."
        }
        Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "Check the user in --database and the server's pg_hba.conf."
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            "Create it with createdb, or name another one in --database."
        }
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            "End other programs' connections, or raise max_connections in postgresql.conf."
        }
        Some(&SqlState::CANNOT_CONNECT_NOW) => "PostgreSQL is starting or stopping: try again in a moment.",
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            "Grant the user CREATE on the schema, or name another schema with options=-csearch_path=NAME."
        }
        Some(_) => "See PostgreSQL's log.",
        None => "Start PostgreSQL, or check host, port and sslmode in --database.",
    };
    (cause(error), way_out)
}
