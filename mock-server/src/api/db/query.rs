//! The query string of a request for a table.

use crate::api::pairs::pairs;
use crate::domain::Refusal;
use crate::domain::filter::{Query, Table};

/// The decoded pairs of a query string.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Parses the query string of a request for `table`.
pub(super) fn parse_query(table: &'static Table, text: Option<&str>) -> Result<(Parameters, Query), Refusal> {
    let pairs = pairs(text.unwrap_or_default().as_bytes())
        .map_err(|refusal| Refusal::InvalidFilter(refusal.message().into_owned()))?;
    let parameters = Parameters(pairs);
    let query = Query::parse(table, parameters.pairs());
    Ok((parameters, query.map_err(|error| Refusal::InvalidFilter(error.to_string()))?))
}
