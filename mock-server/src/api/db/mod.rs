//! `/api/db/TABLE`: rows in the syntax of PostgREST.

mod change;
mod insert;
mod list;
mod openapi;
mod pattern;
mod query;
mod row;

use axum::extract::{self, RawQuery, Request};
use axum::routing::get;
use utoipa::Path as _;
use utoipa::openapi::Paths;
use utoipa::openapi::path::HttpMethod;
use utoipa_axum::router::UtoipaMethodRouter;

use super::State;
use super::body::{Body, Fields};
use super::caller::Caller;
use crate::domain::filter::{API_KEYS, AUTH_KEYS, Table};

/// The routes of a table with their documentation.
pub(super) fn routes(table: &'static Table) -> UtoipaMethodRouter<State> {
    let path = format!("/api/db/{}", table.name);
    let mut paths = Paths::new();
    paths.add_path_operation(
        &path,
        vec![HttpMethod::Get],
        openapi::list(list::__path_list::operation(), table),
    );
    let mut router = get(move |state: extract::State<State>, caller: Caller, request: Request| {
        list::list(table, state, caller, request)
    });
    if table == &API_KEYS {
        let operation = openapi::insert(insert::__path_insert::operation(), table);
        paths.add_path_operation(&path, vec![HttpMethod::Post], operation);
        router = router.post(insert::insert);
    }
    if table == &API_KEYS || table == &AUTH_KEYS {
        let operation = openapi::change(change::__path_change::operation(), table);
        paths.add_path_operation(&path, vec![HttpMethod::Patch], operation);
        router = router.patch(
            move |state: extract::State<State>, caller: Caller, query: RawQuery, body: Body<Fields>| {
                change::change(table, state, caller, query, body)
            },
        );
    }
    (Vec::new(), paths, router)
}
