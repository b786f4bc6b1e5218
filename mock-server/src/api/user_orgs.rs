//! `GET /api/user-orgs`: the organisations of the caller (`generate/ST5.5`).

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::envelope::{self, Success};
use super::refusals::refusals;
use super::{Error, State};
use crate::control::{ControlError, access};

refusals!(UserOrgsRefusals: Unauthorized, RateLimited);

/// An organisation of the caller.
#[derive(Serialize, ToSchema)]
pub struct Organisation {
    #[schema(example = "org_9fX2kR")]
    pub org_id: String,
    pub name: String,
    /// The caller's role (owner, admin or member); for an API key, its creator's.
    #[schema(example = "admin")]
    pub role: &'static str,
}

/// Lists the caller's organisations with the caller's role in each. An API key has one organisation.
#[utoipa::path(
    get,
    path = "/api/user-orgs",
    security(("session" = []), ("api_key" = [])),
    responses(
        (status = 200, body = Success<Vec<Organisation>>),
        UserOrgsRefusals,
    )
)]
pub async fn user_orgs(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Response, Error> {
    let now = state.clock.now();
    let memberships = state.store.read(move |tx| access::memberships(tx, &caller, now)).await;
    let memberships = memberships.map_err(ControlError::from)?;
    let organisations: Vec<_> = memberships
        .into_iter()
        .map(|found| Organisation { org_id: found.org_id, name: found.org_name, role: found.role.as_str() })
        .collect();
    Ok(envelope::ok(organisations))
}
