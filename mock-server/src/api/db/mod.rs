//! `/api/db/TABLE`: rows read and written in the spelling of PostgREST.

pub mod change;
pub mod insert;
pub mod list;
pub mod row;

use crate::domain::Refusal;
use crate::domain::filter::{Query, Table};

/// Reads the query string for a table of that name.
fn query(table: &str, text: Option<&str>) -> Result<Query, Refusal> {
    let table = table_named(table)?;
    let pairs: Vec<_> = form_urlencoded::parse(text.unwrap_or_default().as_bytes()).collect();
    Query::parse(table, pairs.iter().map(|(name, value)| (&**name, &**value)))
        .map_err(|error| Refusal::InvalidFilter(error.to_string()))
}

fn table_named(name: &str) -> Result<&'static Table, Refusal> {
    Table::named(name).ok_or(Refusal::NotFound("Table"))
}
