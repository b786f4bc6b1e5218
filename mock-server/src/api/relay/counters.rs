//! `GET /relay/counters`: what the relay has done.

use axum::extract;
use axum::response::Response;
use ztna_relay::Counted;

use crate::api::envelope::{self, Failed, Success};
use crate::api::{Error, State};
use crate::domain::Refusal;

/// What the relay has done since it started.
#[utoipa::path(
    get,
    path = "/relay/counters",
    responses(
        (status = 200, description = "Sums over all organisations", body = Success<Counted>),
        (status = 404, description = "NOT_FOUND: no region is served here", body = Failed),
    )
)]
pub async fn counters(extract::State(state): extract::State<State>) -> Result<Response, Error> {
    let relay = state.relay.ok_or(Refusal::NotFound("Relay"))?;
    Ok(envelope::ok(relay.counted()))
}
