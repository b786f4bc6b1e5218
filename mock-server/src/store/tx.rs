//! Transactions.

use super::StoreError;
use super::health::Health;
use super::postgres::{Overlay, Session};
use super::row::Row;
use super::value::Value;

/// The transaction in which [`super::Store`] runs a job.
///
/// SQL uses numbered placeholders (`?1`); prepared statements are cached.
pub struct Tx<'c> {
    connection: Connection<'c>,
    writable: bool,
    health: &'c Health,
    notices: Vec<String>,
}

/// The connection that runs a transaction's statements.
pub(super) enum Connection<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut Session),
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: Connection<'c>, writable: bool, health: &'c Health) -> Self {
        Self { connection, writable, health, notices: Vec::new() }
    }

    /// Notifies the organisation's listeners after commit.
    pub(super) fn notify(&mut self, org_id: &str) {
        if !self.notices.iter().any(|noticed| noticed == org_id) {
            self.notices.push(org_id.to_owned());
        }
    }

    pub(super) fn into_notices(self) -> Vec<String> {
        self.notices
    }

    /// Whether texts are compared by PostgreSQL's operators rather than by SQLite's.
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.connection, Connection::Postgres(_))
    }

    /// What is known in advance of the rows that registrations touch, where the writer keeps such knowledge.
    pub(super) fn overlay(&mut self) -> Option<&mut Overlay> {
        match &mut self.connection {
            Connection::Sqlite(_) => None,
            Connection::Postgres(session) => session.overlay(),
        }
    }

    /// Runs an INSERT of one row, whose values are all of its placeholders in order. Where it is deferred, a violated
    /// constraint is found later, and leads to another run of the job in which nothing is deferred.
    pub(super) fn insert(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<(), StoreError> {
        match self.overlay() {
            Some(overlay) => overlay.insert(sql, values),
            None => drop(self.execute(sql, values)?),
        }
        Ok(())
    }

    /// Runs a statement without a result; returns the number of changed rows.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let writable = self.writable;
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => prepare(connection, sql, writable)
                .and_then(|mut statement| Ok(statement.execute(rusqlite::params_from_iter(values))?)),
            Connection::Postgres(session) => session.execute(sql, values),
        };
        self.noted(done)
    }

    /// Returns the first row of the result, if any.
    pub fn optional<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let writable = self.writable;
        let found = match &mut self.connection {
            Connection::Sqlite(connection) => prepare(connection, sql, writable).and_then(|mut statement| {
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                match rows.next()? {
                    Some(row) => read(&Row::from(row)).map(Some),
                    None => Ok(None),
                }
            }),
            Connection::Postgres(session) => session
                .query(sql, values)
                .and_then(|rows| rows.first().map(|row| read(&Row::from(row))).transpose()),
        };
        self.noted(found)
    }

    /// Returns all rows of the result.
    pub fn all<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let writable = self.writable;
        let found = match &mut self.connection {
            Connection::Sqlite(connection) => prepare(connection, sql, writable).and_then(|mut statement| {
                collect(statement.query(rusqlite::params_from_iter(values))?, read)
            }),
            Connection::Postgres(session) => session.query(sql, values).and_then(|rows| each(&rows, read)),
        };
        self.noted(found)
    }

    /// Returns all rows of a statement that a client composed, which would displace the program's own ones in the cache.
    pub(super) fn all_once<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let writable = self.writable;
        let found = match &mut self.connection {
            Connection::Sqlite(connection) => {
                let prepared = connection.prepare(sql).map_err(StoreError::from);
                prepared.and_then(|mut statement| {
                    refuse_write(writable, statement.readonly())?;
                    collect(statement.query(rusqlite::params_from_iter(values))?, read)
                })
            }
            Connection::Postgres(session) => {
                session.query_once(sql, values).and_then(|rows| each(&rows, read))
            }
        };
        self.noted(found)
    }

    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| self.health.note(error))
    }
}

impl<'c> From<&'c rusqlite::Connection> for Connection<'c> {
    fn from(connection: &'c rusqlite::Connection) -> Self {
        Self::Sqlite(connection)
    }
}

impl<'c> From<&'c mut Session> for Connection<'c> {
    fn from(session: &'c mut Session) -> Self {
        Self::Postgres(session)
    }
}

fn prepare<'c>(
    connection: &'c rusqlite::Connection,
    sql: &str,
    writable: bool,
) -> Result<rusqlite::CachedStatement<'c>, StoreError> {
    let statement = connection.prepare_cached(sql)?;
    refuse_write(writable, statement.readonly())?;
    Ok(statement)
}

fn refuse_write(writable: bool, reads: bool) -> Result<(), StoreError> {
    if writable || reads { Ok(()) } else { Err(StoreError::WriteInRead) }
}

fn collect<T>(
    mut rows: rusqlite::Rows<'_>,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Row::from(row))?);
    }
    Ok(found)
}

fn each<T>(
    rows: &[tokio_postgres::Row],
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| read(&Row::from(row))).collect()
}
