//! The query language of `GET /api/db/{table}`: PostgREST's syntax over an allow-list of tables and columns.
//!
//! `column=op.value` selects rows (`eq neq gt gte lt lte like ilike in is cs`, each with an optional `not.`; a bare
//! value means `eq`, and repeated columns are combined with AND). `or` is limited to a place in an order,
//! behind which the next page begins. `select`, `order`, `limit` and `offset` shape the result. A parsed [`Query`] holds typed values only, never text that ends up in SQL.

mod condition;
mod error;
mod order;
mod page;
mod position;
mod query;
mod table;
mod value;

pub use condition::{Comparison, Condition, Test};
pub(crate) use error::excerpt;
pub use error::{FilterError, MAX_COLUMNS, MAX_CONDITIONS, MAX_SEARCHES, MAX_VALUES};
pub use order::Order;
pub use page::LastRow;
pub use position::{Key, Position};
pub use query::{MAX_ROWS, Query};
pub use table::{API_KEYS, AUDIT_LOGS, AUTH_KEYS, Column, Kind, MACHINES, TABLES, Table};
pub use value::Scalar;

#[cfg(test)]
pub(crate) mod tests;
