//! The routes, each declared together with its documentation.

use std::sync::LazyLock;

use axum::Router;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::trace;
use super::{
    Error, State, acl, changes, cross_site, db, device, error, healthz, heartbeat, installer, key_management,
    login, logout, machine_admin, machine_logout, machine_tags, network_map, openapi, readyz,
    register_machine, relay, user_orgs,
};
use crate::domain::Refusal;
use crate::domain::filter::TABLES;

/// Built once per process, because it takes longer than the rest of a server's start.
static ROUTES: LazyLock<Router<State>> = LazyLock::new(|| {
    let (routes, declared) = documented().split_for_parts();
    openapi::publish(declared);
    routes
});

pub fn router(state: State) -> Router {
    let routes = ROUTES.clone();
    routes
        .fallback(async || Error::from(Refusal::NotFound("Endpoint")))
        .method_not_allowed_fallback(async || Error::from(Refusal::MethodNotAllowed))
        .layer(middleware::from_fn_with_state(state.clone(), cross_site::guard))
        .layer(CatchPanicLayer::custom(on_panic))
        .layer(trace::layer())
        .with_state(state)
}

fn documented() -> OpenApiRouter<State> {
    let tables =
        TABLES.into_iter().fold(OpenApiRouter::new(), |router, table| router.routes(db::routes(table)));
    tables
        .routes(routes!(healthz::healthz))
        .routes(routes!(readyz::readyz))
        .routes(routes!(openapi::openapi))
        .routes(routes!(installer::script::install_script))
        .routes(routes!(installer::program::agent_program))
        .routes(routes!(installer::program::agent_checksum))
        .routes(routes!(login::login))
        .routes(routes!(logout::logout))
        .routes(routes!(device::code::code))
        .routes(routes!(device::token::token))
        .routes(routes!(device::approve::approve))
        .routes(routes!(device::page::show, device::page::decide))
        .routes(routes!(user_orgs::user_orgs))
        .routes(routes!(acl::access_rules, acl::replace_access_rules))
        .routes(routes!(changes::changes))
        .routes(routes!(key_management::key_management))
        .routes(routes!(key_management::api_keys))
        .routes(routes!(register_machine::register_machine))
        .routes(routes!(heartbeat::heartbeat))
        .routes(routes!(network_map::network_map))
        .routes(routes!(relay::connect::connect))
        .routes(routes!(relay::counters::counters))
        .routes(routes!(relay::members::members))
        .routes(routes!(machine_logout::machine_logout))
        .routes(routes!(machine_tags::machine_tags))
        .routes(routes!(machine_admin::machine_admin))
}

fn on_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    error::internal().into_response()
}
