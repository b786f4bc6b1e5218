//! The query language of `GET /api/db/{table}`: PostgREST's spelling, held to an allow-list of tables and columns.
//!
//! `column=op.value` selects rows (`eq neq gt gte lt lte like ilike in is cs`, `not.` in front of any, a bare
//! value meaning `eq`, a column named twice meaning both), `select`, `order`, `limit` and `offset` shape the answer.
//! Reading is pure: what comes out holds typed values only, never text to be put into SQL.

mod condition;
mod error;
mod order;
mod table;
mod value;

pub use condition::{Comparison, Condition, Test};
pub(crate) use error::shown;
pub use error::{FilterError, MAX_VALUES};
pub use order::Order;
pub use table::{API_KEYS, AUDIT_LOGS, AUTH_KEYS, Column, Kind, MACHINES, TABLES, Table};
pub use value::Scalar;

/// The most rows one answer holds, and how many it holds when `limit` is absent.
pub const MAX_ROWS: u32 = 1000;

/// A query that was read and found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The table it reads.
    pub table: &'static Table,
    /// What a row must fulfil: all of it.
    pub conditions: Vec<Condition>,
    /// The columns of the answer, in the order asked for.
    pub select: Vec<&'static Column>,
    /// The columns that rows are sorted by; empty: the table's own order.
    pub order: Vec<Order>,
    /// At most this many rows, never above [`MAX_ROWS`].
    pub limit: u32,
    /// Rows left out at the beginning.
    pub offset: u32,
}

impl Query {
    /// Reads a query from the decoded pairs of its query string.
    ///
    /// # Errors
    /// The first thing that could not be understood.
    pub fn parse<'a>(
        table: &'static Table,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, FilterError> {
        let mut conditions = Vec::new();
        let mut values = 0;
        let (mut select, mut order, mut limit, mut offset) = (None, None, None, None);
        for (name, value) in pairs {
            match name {
                "select" => once("select", &mut select, order::select(table, value)?)?,
                "order" => once("order", &mut order, order::order(table, value)?)?,
                "limit" => once("limit", &mut limit, number("limit", value)?)?,
                "offset" => once("offset", &mut offset, number("offset", value)?)?,
                column => {
                    let condition = Condition::parse(table.column(column)?, value)?;
                    values += condition.values();
                    if values > MAX_VALUES || conditions.len() >= MAX_VALUES {
                        return Err(FilterError::TooManyValues);
                    }
                    conditions.push(condition);
                }
            }
        }
        Ok(Self {
            table,
            conditions,
            select: select.unwrap_or_else(|| table.columns.iter().collect()),
            order: order.unwrap_or_default(),
            limit: limit.unwrap_or(MAX_ROWS).min(MAX_ROWS),
            offset: offset.unwrap_or(0),
        })
    }

    /// The query for the one row with that id, whole.
    #[must_use]
    pub fn row(table: &'static Table, id: &str) -> Self {
        let conditions = table.columns.iter().filter(|column| column.name == "id").map(|column| Condition {
            column,
            negated: false,
            test: Test::Compare(Comparison::Eq, Scalar::Text(id.to_owned())),
        });
        Self {
            table,
            conditions: conditions.collect(),
            select: table.columns.iter().collect(),
            order: Vec::new(),
            limit: 1,
            offset: 0,
        }
    }

    /// The values that a text column is asked to equal: of every `eq` and `in` on it that is not negated.
    #[must_use]
    pub fn named(&self, column: &str) -> Vec<&str> {
        self.conditions
            .iter()
            .filter(|condition| condition.column.name == column && !condition.negated)
            .flat_map(|condition| match &condition.test {
                Test::Compare(Comparison::Eq, Scalar::Text(text)) => vec![text.as_str()],
                Test::In(values) => values.iter().filter_map(Scalar::as_text).collect(),
                _ => Vec::new(),
            })
            .collect()
    }
}

fn once<T>(parameter: &'static str, place: &mut Option<T>, value: T) -> Result<(), FilterError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(FilterError::Twice(parameter)),
    }
}

fn number(parameter: &'static str, value: &str) -> Result<u32, FilterError> {
    value.parse().map_err(|_| FilterError::Parameter {
        parameter,
        expected: "a whole number from 0 to 4294967295",
        value: shown(value),
    })
}

#[cfg(test)]
pub(crate) mod tests;
