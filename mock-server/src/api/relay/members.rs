//! `POST /api/relay/members`: a remote relay asks which machines may use it.

use axum::extract::{self, FromRequestParts};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::Schema;
use ztna_protocol::relay::{MAX_TOKENS_PER_REQUEST, MembersAnswer};

use crate::api::body::Body;
use crate::api::caller::bearer;
use crate::api::envelope::{self, Success};
use crate::api::refusals::refusals;
use crate::api::request::{FieldType, Required, Text, array, request, strings};
use crate::api::{Error, State};
use crate::control::{ControlError, relay};
use crate::domain::Refusal;
use crate::domain::key::material;

request! {
    /// The machines that a relay asks about.
    pub struct MembersRequest {
        /// SHA-256 of machine tokens in hex, at most 900. The tokens themselves stay at the relay.
        token_hashes: Required<TokenHashes>,
    }
}

refusals!(MembersRefusals: MissingFields, InvalidInput, InvalidJson, Unauthorized, PayloadTooLarge);

pub(crate) struct TokenHashes(Vec<String>);

/// The relays' shared secret as a bearer token.
pub struct RelaySecret;

/// Returns the machines that may use the relay, by the hashes of their tokens.
#[utoipa::path(
    post,
    path = "/api/relay/members",
    request_body = MembersRequest,
    responses(
        (status = 200, description = "The machines in the order of the hashes", body = Success<MembersAnswer>),
        MembersRefusals,
    ),
    security(("relay_secret" = []))
)]
pub async fn members(
    extract::State(state): extract::State<State>,
    _: RelaySecret,
    Body(request): Body<MembersRequest>,
) -> Result<Response, Error> {
    let hashes = request.token_hashes()?.0;
    let members = state.store.read(move |tx| relay::members(tx, &hashes).map_err(ControlError::from)).await?;
    let members = members.into_iter().map(|member| member.map(Into::into)).collect();
    Ok(envelope::ok(MembersAnswer { members }))
}

impl FieldType for TokenHashes {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let hashes = strings(field, value)?;
        if hashes.len() > MAX_TOKENS_PER_REQUEST {
            return Err(Refusal::invalid(format!(
                "{field} must not have more than {MAX_TOKENS_PER_REQUEST} entries"
            )));
        }
        Ok(Self(hashes))
    }

    fn schema() -> Schema {
        array(Text::schema(), Some(MAX_TOKENS_PER_REQUEST))
    }
}

impl FromRequestParts<State> for RelaySecret {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        // Comparing hashes takes a time that reveals nothing about the secret.
        let presented = bearer(parts).map(material::sha256);
        match (&state.settings.relay_secret_hash, presented) {
            (Some(hash), Some(presented)) if *hash == presented => Ok(Self),
            _ => Err(Refusal::Unauthorized("Relay secret required").into()),
        }
    }
}
