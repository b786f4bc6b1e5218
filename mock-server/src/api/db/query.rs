//! The query string of a request for a table.

use crate::domain::Refusal;
use crate::domain::filter::{Query, Table};

/// Parses the query string of a request for `table`.
pub(super) fn parse_query(table: &'static Table, text: Option<&str>) -> Result<Query, Refusal> {
    let pairs: Vec<_> = form_urlencoded::parse(text.unwrap_or_default().as_bytes()).collect();
    Query::parse(table, pairs.iter().map(|(name, value)| (&**name, &**value)))
        .map_err(|error| Refusal::InvalidFilter(error.to_string()))
}
