//! `GET /api/db/TABLE`: rows of the caller's organisations (`used-count/ST1.2`, `api-key/ST3.1`).

use axum::extract::{self, RawQuery};
use axum::response::Response;

use super::query::parse_query;
use super::row::Rows;
use crate::api::caller::Caller;
use crate::api::envelope;
use crate::api::refusals::refusals;
use crate::api::{Error, State};
use crate::control::rows;
use crate::domain::filter::Table;

refusals!(ListRefusals: InvalidFilter, Unauthorized, Forbidden, InsufficientScope, RateLimited);

/// Returns rows of the caller's organisations.
///
/// Each column filters by `op.value`, with `not.` before it to negate; a value without an operator must be equal.
#[utoipa::path(
    get,
    path = "/api/db/{table}",
    security(("session" = []), ("api_key" = [])),
    responses((status = 200, description = "The rows", body = Rows), ListRefusals)
)]
pub(super) async fn list(
    table: &'static Table,
    extract::State(state): extract::State<State>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Response, Error> {
    let query = parse_query(table, text.as_deref())?;
    let now = state.clock.now();
    let _guard = state.lists.begin(&caller).await?;
    let rows = state.store.list(move |tx| rows::list(tx, &caller, &query, now)).await?;
    Ok(envelope::ok(rows))
}
