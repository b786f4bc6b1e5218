//! What PostgreSQL's failures mean for a caller.

use std::sync::Arc;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::cause::{is_lost, untrusted};
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
                _ if untrusted(&error).is_some() => Self::Unavailable(Condition::Untrusted),
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
