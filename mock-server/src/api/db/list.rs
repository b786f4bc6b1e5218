//! `GET /api/db/TABLE`: rows of the caller's organisations (`used-count/ST1.2`, `api-key/ST3.1`), page by page.

use axum::extract::{self, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::query::{Parameters, parse_query};
use super::row::Rows;
use crate::api::caller::Caller;
use crate::api::envelope;
use crate::api::refusals::refusals;
use crate::api::{Error, State};
use crate::control::rows;
use crate::domain::filter::{MAX_ROWS, Query, Table};
use crate::store::rows::Page;

/// The default and maximum number of rows in one response.
const ROW_LIMIT: HeaderName = HeaderName::from_static("row-limit");

refusals!(ListRefusals: InvalidFilter, Unauthorized, Forbidden, InsufficientScope, RateLimited);

/// Returns rows of the caller's organisations.
///
/// Each column filters by `op.value`, with `not.` before it to negate; a value without an operator must be equal. If more
/// rows follow, the header Link (RFC 8288) has the URL of the next page, which begins behind the last row of this one: rows
/// that are added or deleted meanwhile neither repeat nor hide others.
#[utoipa::path(
    get,
    path = "/api/db/{table}",
    security(("session" = []), ("api_key" = [])),
    responses(
        (status = 200, description = "The rows", body = Rows, headers(
            ("link" = Option<String>, description = "`<URL>; rel=\"next\"`, if more rows follow"),
            ("content-range" = String, description = "The first and last row of the page: `0-999/*`, or `*/*` without rows"),
            ("row-limit" = u32, description = "The default and maximum number of rows in a response"),
        )),
        ListRefusals,
    )
)]
pub(super) async fn list(
    table: &'static Table,
    extract::State(state): extract::State<State>,
    caller: Caller,
    request: Request,
) -> Result<Response, Error> {
    let uri = request.uri();
    let (parameters, query) = parse_query(table, uri.query())?;
    let now = state.clock.now();
    let _guard = state.lists.begin(&caller).await?;
    let asked = query.clone();
    let page = state.store.list(move |tx| rows::list(tx, &caller, &asked, now)).await?;
    let headers = headers(uri.path(), &parameters, &query, &page);
    Ok((headers, envelope::ok(page.rows)).into_response())
}

fn headers(path: &str, parameters: &Parameters, query: &Query, page: &Page) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ROW_LIMIT, HeaderValue::from(MAX_ROWS));
    let range = match page.rows.len() {
        0 => "*/*".to_owned(),
        rows => format!("{}-{}/*", query.offset, u64::from(query.offset) + rows as u64 - 1),
    };
    let next = page.more.then(|| {
        let pairs = query.next_page(parameters.pairs(), page.last.clone());
        let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("<{path}?{pairs}>; rel=\"next\"")
    });
    for (name, value) in [(header::CONTENT_RANGE, Some(range)), (header::LINK, next)] {
        // Both are ASCII: the path is a table's, and parameters are percent-encoded.
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}
