//! `GET /api/db/TABLE`: rows of the caller's organisations (`used-count/ST1.2`, `api-key/ST3.1`).

use axum::extract::{self, RawQuery};
use axum::response::Response;
use utoipa::IntoParams;

use super::row::Rows;
use super::{Named, query};
use crate::api::caller::Caller;
use crate::api::envelope::{self, Failed};
use crate::api::{Error, State};
use crate::control::rows;

/// What shapes the answer; every column of the table is a parameter as well.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Shape {
    /// `org_id=ORG` or `org_id=eq.ORG`: the organisation; without it, all of the caller's. Any other column is
    /// filtered alike: `column=op.value` with eq, neq, gt, gte, lt, lte, like, ilike, in, is or cs, `not.` before it.
    pub org_id: Option<String>,
    /// The columns to answer: `name,used_count`.
    pub select: Option<String>,
    /// The columns to sort by: `created_at.desc,name`.
    pub order: Option<String>,
    /// At most so many rows; never more than 1000.
    pub limit: Option<u32>,
    /// Rows to leave out at the beginning.
    pub offset: Option<u32>,
}

/// Reads rows of auth_keys, api_keys, machines or audit_logs.
#[utoipa::path(
    get,
    path = "/api/db/{table}",
    security(("session" = []), ("api_key" = [])),
    params(("table" = String, Path, description = "auth_keys, api_keys, machines or audit_logs"), Shape),
    responses(
        (status = 200, body = Rows),
        (status = 400, description = "INVALID_FILTER", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "FORBIDDEN or INSUFFICIENT_SCOPE", body = Failed),
        (status = 404, description = "NOT_FOUND", body = Failed),
        (status = 429, description = "RATE_LIMITED", body = Failed),
    )
)]
pub async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Named(table): Named,
    RawQuery(text): RawQuery,
) -> Result<Response, Error> {
    let query = query(table, text.as_deref())?;
    let now = state.clock.now();
    let rows = state.store.read(move |tx| rows::list(tx, &caller, &query, now)).await?;
    Ok(envelope::ok(rows))
}
