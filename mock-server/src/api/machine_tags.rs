//! `POST /api/machine-tags`: a machine adds tags to itself (`issuing/tags.2`).

use axum::extract;
use axum::response::Response;

use super::body::Body;
use super::envelope::{self, Success};
use super::machine::{MachineAnswer, MachineToken};
use super::refusals::refusals;
use super::request::{Required, Tags, request};
use super::{Error, State};
use crate::control::machine_tags;

request! {
    /// The tags to add.
    pub struct MachineTagsRequest {
        /// With or without `tag:`.
        tags: Required<Tags>,
    }
}

refusals!(MachineTagsRefusals: MissingFields, InvalidInput, InvalidJson, Unauthorized, TagNotAllowed, Quarantined,
    PayloadTooLarge);

/// Adds tags to the calling machine, as far as its auth key allows them.
#[utoipa::path(
    post,
    path = "/api/machine-tags",
    request_body = MachineTagsRequest,
    responses(
        (status = 200, description = "The updated machine", body = Success<MachineAnswer>),
        MachineTagsRefusals,
    ),
    security(("machine_token" = []))
)]
pub async fn machine_tags(
    extract::State(state): extract::State<State>,
    token: MachineToken,
    Body(request): Body<MachineTagsRequest>,
) -> Result<Response, Error> {
    let tags = request.tags()?.0;
    let now = state.clock.now();
    let random = state.random.repeatable();
    let added = state.store.write(move |tx| machine_tags::add(tx, &token.0, &tags, &random.draws(), now));
    Ok(envelope::ok(MachineAnswer::new(added.await?, now)))
}
