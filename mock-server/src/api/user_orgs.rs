//! `GET /api/user-orgs`: the organisations of the caller (`generate/ST5.5`).

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::envelope::{self, Failed, Success};
use super::{Error, State};
use crate::control::{Failure, access};

/// An organisation, and what the caller is in it.
#[derive(Serialize, ToSchema)]
pub struct Organisation {
    /// Its id.
    #[schema(example = "org_9fX2kR")]
    pub org_id: String,
    /// Its name.
    pub name: String,
    /// owner, admin or member; for an API key, its creator's.
    #[schema(example = "admin")]
    pub role: &'static str,
}

/// Lists the caller's organisations with the caller's role in each; an API key has one.
#[utoipa::path(
    get,
    path = "/api/user-orgs",
    security(("session" = []), ("api_key" = [])),
    responses(
        (status = 200, body = Success<Vec<Organisation>>),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 429, description = "RATE_LIMITED", body = Failed),
    )
)]
pub async fn user_orgs(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Response, Error> {
    let now = state.clock.now();
    let memberships = state.store.read(move |tx| access::memberships(tx, &caller, now)).await;
    let memberships = memberships.map_err(Failure::from)?;
    let organisations: Vec<_> = memberships
        .into_iter()
        .map(|found| Organisation { org_id: found.org_id, name: found.org_name, role: found.role.as_str() })
        .collect();
    Ok(envelope::ok(organisations))
}
