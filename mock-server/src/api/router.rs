//! Every route, each declared together with its documentation.

use axum::Router;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    Error, State, db, device, error, healthz, heartbeat, key_management, login, machine_admin,
    machine_logout, machine_tags, openapi, register_machine, trace, user_orgs,
};
use crate::domain::Refusal;

/// The whole HTTP interface over `state`.
pub fn router(state: State) -> Router {
    let (router, _document) = documented().split_for_parts();
    router
        .fallback(async || Error::from(Refusal::NotFound("Endpoint")))
        .method_not_allowed_fallback(async || Error::from(Refusal::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(trace::layer())
        .with_state(state)
}

/// The routes with their documentation.
pub fn documented() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(healthz::healthz))
        .routes(routes!(openapi::openapi))
        .routes(routes!(login::login))
        .routes(routes!(device::code::code))
        .routes(routes!(device::token::token))
        .routes(routes!(device::approve::approve))
        .routes(routes!(device::page::show, device::page::decide))
        .routes(routes!(user_orgs::user_orgs))
        .routes(routes!(db::list::list, db::insert::insert, db::change::change))
        .routes(routes!(heartbeat::heartbeat))
        .routes(routes!(key_management::api_keys))
        .routes(routes!(key_management::key_management))
        .routes(routes!(machine_admin::machine_admin))
        .routes(routes!(machine_logout::machine_logout))
        .routes(routes!(machine_tags::machine_tags))
        .routes(routes!(register_machine::register_machine))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    error::internal().into_response()
}
