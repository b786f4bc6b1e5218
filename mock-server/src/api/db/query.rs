//! The query string of a request for a table.

use crate::api::pairs::pairs;
use crate::domain::Refusal;
use crate::domain::filter::{Query, Table};

/// Parses the query string of a request for `table`.
pub(super) fn parse_query(table: &'static Table, text: Option<&str>) -> Result<Query, Refusal> {
    let pairs = pairs(text.unwrap_or_default().as_bytes())
        .map_err(|refusal| Refusal::InvalidFilter(refusal.message().into_owned()))?;
    Query::parse(table, pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map_err(|error| Refusal::InvalidFilter(error.to_string()))
}
