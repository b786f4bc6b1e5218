//! Rows of results.

use super::StoreError;
use super::postgres;
use crate::domain::Timestamp;

/// A row of a result; columns are numbered from 0.
pub struct Row<'r>(Columns<'r>);

enum Columns<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> From<&'r rusqlite::Row<'r>> for Row<'r> {
    fn from(row: &'r rusqlite::Row<'r>) -> Self {
        Self(Columns::Sqlite(row))
    }
}

impl<'r> From<&'r tokio_postgres::Row> for Row<'r> {
    fn from(row: &'r tokio_postgres::Row) -> Self {
        Self(Columns::Postgres(row))
    }
}

impl Row<'_> {
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        match self.0 {
            Columns::Sqlite(row) => Ok(row.get(column)?),
            Columns::Postgres(row) => postgres::text(row, column),
        }
    }

    pub fn optional_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.0 {
            Columns::Sqlite(row) => Ok(row.get(column)?),
            Columns::Postgres(row) => postgres::optional_text(row, column),
        }
    }

    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self.0 {
            Columns::Sqlite(row) => Ok(row.get(column)?),
            Columns::Postgres(row) => postgres::integer(row, column),
        }
    }

    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0 {
            Columns::Sqlite(row) => Ok(row.get(column)?),
            Columns::Postgres(row) => postgres::optional_integer(row, column),
        }
    }

    /// Reads a boolean stored as 0 or 1.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.integer(column)? != 0)
    }

    /// Reads a time stored as milliseconds since 1970.
    pub fn timestamp(&self, column: usize) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(self.integer(column)?))
    }

    /// Reads a JSON value stored as TEXT.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<Option<T>, StoreError> {
        let Some(text) = self.optional_text(column)? else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| StoreError::Corrupt { column: column.to_string(), reason: error.to_string() })
    }
}
