//! Failures of PostgreSQL in words.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Whether the connection ended, rather than the database refusing a statement.
pub(super) fn is_lost(error: &Error) -> bool {
    let has_io_source = || error.source().is_some_and(|source| source.is::<std::io::Error>());
    error.is_closed() || (error.as_db_error().is_none() && has_io_source())
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
