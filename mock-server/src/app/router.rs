//! All that a server answers: the API, and the dashboard before it.

use axum::{Router, middleware};

use crate::api::{self, State};
use crate::dashboard;

/// Returns the router of a server, for calling it without a socket.
pub fn router(state: State) -> Router {
    dashboard::router().merge(api::router(state)).layer(middleware::from_fn(dashboard::missing_page))
}
