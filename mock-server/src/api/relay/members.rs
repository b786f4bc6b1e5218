//! `POST /api/relay/members`: a remote relay asks which machines may use it.

use axum::extract::{self, FromRequestParts};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::Schema;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::relay::{MAX_TOKENS_PER_REQUEST, MembersAnswer};

use crate::api::body::Body;
use crate::api::caller::bearer;
use crate::api::envelope::{self, Success};
use crate::api::refusals::refusals;
use crate::api::request::{FieldType, Optional, Required, Text, array, nullable, plain, request, strings};
use crate::api::{Error, State};
use crate::control::{ControlError, relay};
use crate::domain::Refusal;
use crate::domain::key::material;

request! {
    /// The machines that a relay asks about.
    pub struct MembersRequest {
        /// SHA-256 of machine tokens in hex, at most 900. The tokens themselves stay at the relay.
        token_hashes: Required<TokenHashes>,
        /// The ids that the tokens contain, in the same order; null for a token without one. Tokens of which a relay of an
        /// earlier version gives no id are found only if they were issued before tokens contained one.
        machine_ids: Optional<MachineIds>,
    }
}

refusals!(MembersRefusals: MissingFields, InvalidInput, InvalidJson, Unauthorized, PayloadTooLarge);

pub(crate) struct TokenHashes(Vec<String>);

pub(crate) struct MachineIds(Vec<Option<String>>);

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
    let tokens = request.tokens()?;
    let members = state.store.read(move |tx| relay::members(tx, &tokens).map_err(ControlError::from)).await?;
    let members = members.into_iter().map(|member| member.map(Into::into)).collect();
    Ok(envelope::ok(MembersAnswer { members }))
}

impl MembersRequest {
    fn tokens(&self) -> Result<Vec<TokenReference>, Refusal> {
        let hashes = self.token_hashes()?.0;
        let ids = self.machine_ids()?.map_or_else(|| vec![None; hashes.len()], |ids| ids.0);
        if ids.len() != hashes.len() {
            return Err(Refusal::invalid("machine_ids must have as many entries as token_hashes"));
        }
        let reference = |(hash, machine_id)| TokenReference { hash, machine_id };
        Ok(hashes.into_iter().zip(ids).map(reference).collect())
    }
}

impl FieldType for MachineIds {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let entry = |entry: &Value| match entry {
            Value::Null => Ok(None),
            id => plain(field, id).map(Some),
        };
        let entries =
            value.as_array().ok_or_else(|| Refusal::invalid(format!("{field} must be an array")))?;
        entries.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    fn schema() -> Schema {
        array(nullable(Text::schema()), Some(MAX_TOKENS_PER_REQUEST))
    }
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
