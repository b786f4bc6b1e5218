//! `POST /api/relay/members`: a relay elsewhere asks which machines may use it.

use axum::extract::{self, FromRequestParts};
use axum::http::request::Parts;
use axum::response::Response;
use ztna_protocol::relay::{MOST_ASKED, MembersAnswer, MembersQuestion};

use crate::api::body::Body;
use crate::api::caller::bearer;
use crate::api::envelope::{self, Failed, Success};
use crate::api::{Error, State};
use crate::control::{Failure, relay};
use crate::domain::Refusal;
use crate::domain::key::material;

/// The secret that the control plane shares with its relays, as a bearer.
pub struct RelaySecret;

impl FromRequestParts<State> for RelaySecret {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        // Hashes are compared: how long that takes says nothing about the secret.
        let shown = bearer(parts).map(material::sha256);
        match (&state.settings.relay_secret_hash, shown) {
            (Some(hash), Some(shown)) if *hash == shown => Ok(Self),
            _ => Err(Refusal::Unauthorized("Relay secret required").into()),
        }
    }
}

/// Tells a relay which machines may use it, by the hashes of their tokens.
#[utoipa::path(
    post,
    path = "/api/relay/members",
    request_body = MembersQuestion,
    responses(
        (status = 200, description = "The machines, in the order of the hashes", body = Success<MembersAnswer>),
        (status = 400, description = "INVALID_INPUT, INVALID_JSON, MISSING_FIELDS", body = Failed),
        (status = 401, description = "UNAUTHORIZED: not the relays' secret", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
    ),
    security(("relay_secret" = []))
)]
pub async fn members(
    extract::State(state): extract::State<State>,
    _: RelaySecret,
    body: Body,
) -> Result<Response, Error> {
    body.require("token_hashes")?;
    let hashes = body.texts("token_hashes")?.unwrap_or_default();
    if hashes.len() > MOST_ASKED {
        return Err(Refusal::invalid(format!("token_hashes must not be more than {MOST_ASKED}")).into());
    }
    let members = state.store.read(move |tx| relay::members(tx, &hashes).map_err(Failure::from)).await?;
    let members = members.into_iter().map(|member| member.map(Into::into)).collect();
    Ok(envelope::ok(MembersAnswer { members }))
}
