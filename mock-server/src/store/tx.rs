//! One transaction, and the portable values that go into and come out of it.

use std::borrow::Cow;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use super::StoreError;
use crate::domain::Timestamp;

/// What a column can hold on every database: the portable part of SQL's types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// A BIGINT: a number, a boolean as 0 or 1, a time in milliseconds.
    Integer(i64),
    /// A TEXT.
    Text(Cow<'a, str>),
}

/// The transaction that a closure given to [`super::Store`] works in.
///
/// SQL is written with numbered placeholders (`?1`); statements are prepared once and kept.
pub struct Tx<'c> {
    connection: &'c rusqlite::Connection,
    writable: bool,
    notices: Vec<String>,
}

/// A row of an answer; columns are counted from 0.
pub struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: &'c rusqlite::Connection, writable: bool) -> Self {
        Self { connection, writable, notices: Vec::new() }
    }

    /// Once this is committed, those who listen to the organisation are told.
    pub(super) fn notify(&mut self, org_id: &str) {
        if !self.notices.iter().any(|noticed| noticed == org_id) {
            self.notices.push(org_id.to_owned());
        }
    }

    /// The organisations whose listeners are to be told.
    pub(super) fn into_notices(self) -> Vec<String> {
        self.notices
    }

    fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'c>, StoreError> {
        let statement = self.connection.prepare_cached(sql)?;
        if self.writable || statement.readonly() {
            return Ok(statement);
        }
        Err(StoreError::Database(format!("a read was given a statement that writes: {sql}")))
    }

    /// Runs a statement that answers no rows; returns how many rows it changed.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let mut statement = self.prepare(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(values))?)
    }

    /// The first row of the answer, if there is one.
    pub fn optional<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        match rows.next()? {
            Some(row) => read(&Row { row }).map(Some),
            None => Ok(None),
        }
    }

    /// Every row of the answer, in its order.
    pub fn all<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&Row { row })?);
        }
        Ok(found)
    }
}

impl Row<'_> {
    /// A TEXT column.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        Ok(self.row.get(column)?)
    }

    /// A TEXT column that may be NULL.
    pub fn optional_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        Ok(self.row.get(column)?)
    }

    /// A BIGINT column.
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        Ok(self.row.get(column)?)
    }

    /// A BIGINT column that may be NULL.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        Ok(self.row.get(column)?)
    }

    /// A boolean, kept as 0 or 1.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.integer(column)? != 0)
    }

    /// A time, kept as milliseconds since 1970.
    pub fn timestamp(&self, column: usize) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(self.integer(column)?))
    }

    /// A JSON value kept as TEXT; NULL is `None`.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<Option<T>, StoreError> {
        let Some(text) = self.optional_text(column)? else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| StoreError::Corrupt { column: column.to_string(), reason: error.to_string() })
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(i64::from(flag))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_millis())
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement's placeholders, in their order: `values![org_id, now, true]`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Value::from($value)),*] };
}
