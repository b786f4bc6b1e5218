//! `POST /api/machine-tags`: a machine adds tags to itself (`issuing/tags.2`).

use axum::extract;
use axum::response::Response;
use utoipa::ToSchema;

use super::body::Body;
use super::envelope::{self, Failed, Success};
use super::machine::{MachineAnswer, MachineToken};
use super::{Error, State};
use crate::control::machine_tags;
use crate::domain::{Refusal, tag};

/// The tags to add.
#[derive(Debug, ToSchema)]
pub struct MachineTagsRequest {
    /// With or without `tag:`.
    pub tags: Vec<String>,
}

/// Adds tags, within what the machine's auth key allows.
#[utoipa::path(
    post,
    path = "/api/machine-tags",
    request_body = MachineTagsRequest,
    responses(
        (status = 200, description = "The machine as it now is", body = Success<MachineAnswer>),
        (status = 400, description = "MISSING_FIELDS, INVALID_INPUT, INVALID_JSON", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "TAG_NOT_ALLOWED, QUARANTINED", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
    ),
    security(("machine_token" = []))
)]
pub async fn machine_tags(
    extract::State(state): extract::State<State>,
    token: MachineToken,
    body: Body,
) -> Result<Response, Error> {
    let tags = body.texts("tags")?.ok_or(Refusal::MissingField("tags"))?;
    let tags = tag::normalise("tags", &tags)?;
    let now = state.clock.now();
    let random = state.random;
    let added = state.store.write(move |tx| machine_tags::add(tx, &token.hash, &tags, &random, now));
    Ok(envelope::ok(MachineAnswer::new(added.await?, now)))
}
