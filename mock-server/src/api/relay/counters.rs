//! `GET /relay/counters`: the counters of the relay.

use axum::extract;
use axum::response::Response;
use ztna_relay::Counted;

use crate::api::envelope::{self, Success};
use crate::api::refusals::refusals;
use crate::api::{Error, State};
use crate::domain::Refusal;

refusals!(CountersRefusals: NotFound);

/// Returns what the relay has done since it started.
#[utoipa::path(
    get,
    path = "/relay/counters",
    responses(
        (status = 200, description = "Sums over all organisations", body = Success<Counted>),
        CountersRefusals,
    )
)]
pub async fn counters(extract::State(state): extract::State<State>) -> Result<Response, Error> {
    let relay = state.relay.as_ref().ok_or(Refusal::NotFound("Relay"))?;
    Ok(envelope::ok(relay.counted()))
}
