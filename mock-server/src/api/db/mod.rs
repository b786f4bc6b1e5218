//! `/api/db/TABLE`: rows read and written in the spelling of PostgREST.

pub mod change;
pub mod insert;
pub mod list;
pub mod row;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::Error;
use crate::domain::Refusal;
use crate::domain::filter::{Query, Table};

/// The table that the path names; none of that name is 404 NOT_FOUND.
pub struct Named(pub &'static Table);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let table = path.ok().and_then(|Path(name)| Table::named(&name));
        table.map(Self).ok_or_else(|| Refusal::NotFound("Table").into())
    }
}

/// Reads the query string of a request about `table`.
fn query(table: &'static Table, text: Option<&str>) -> Result<Query, Refusal> {
    let pairs: Vec<_> = form_urlencoded::parse(text.unwrap_or_default().as_bytes()).collect();
    Query::parse(table, pairs.iter().map(|(name, value)| (&**name, &**value)))
        .map_err(|error| Refusal::InvalidFilter(error.to_string()))
}
