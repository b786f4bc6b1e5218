//! `POST /api/db/api_keys`: stores an API key that was generated in the browser (`api-key/ST5.3`).

use std::time::Duration;

use axum::extract;
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};

use super::row::Rows;
use crate::api::body::{Body, Fields};
use crate::api::caller::Caller;
use crate::api::envelope;
use crate::api::key_management::rate_limit;
use crate::api::refusals::refusals;
use crate::api::request::{
    FieldType, KeyName, NonBlank, Optional, RateLimit, Required, ScopeList, closed, plain, request,
    schema_of, string,
};
use crate::api::{Error, State};
use crate::control::access::{self, Permission};
use crate::control::rows::{self, ClientMadeKey};
use crate::domain::scope::Scopes;
use crate::domain::{Refusal, Timestamp};

/// The maximum lifetime of API keys by the zero standing privilege policy (`api-key/ST4.1`).
const MAX_LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

request! {
    /// An API key that the client generated and never sends.
    pub(super) struct NewApiKey {
        /// The organisation.
        org_id: Required<NonBlank>,
        /// The key's name.
        name: Required<KeyName>,
        /// SHA-256 of the full key in hex.
        key_hash: Required<KeyHash>,
        /// The start of the key, as shown in lists.
        key_prefix: Required<KeyPrefix> = "ztna_1a2b3c4d...",
        /// The calls that the key allows; everything by default.
        scopes: Optional<ScopeList>,
        /// Uses per minute; 60 by default.
        rate_limit_rpm: Optional<RateLimit>,
        /// When the key expires, at most 90 days ahead.
        expires_at: Required<ExpiryTime>,
    }
}

refusals!(InsertRefusals: MissingFields, InvalidInput, InvalidScopes, InvalidJson, Unauthorized, Forbidden,
    InsufficientScope, PayloadTooLarge, RateLimited);

pub(in crate::api) struct KeyHash(String);

pub(in crate::api) struct KeyPrefix(String);

/// An RFC 3339 time, if it is one.
pub(in crate::api) struct ExpiryTime(Option<Timestamp>);

/// Stores an API key whose hash the client computed. API keys are refused: they do not issue API keys.
#[utoipa::path(
    post,
    path = "/api/db/{table}",
    security(("session" = []), ("api_key" = [])),
    request_body = NewApiKey,
    responses((status = 201, description = "The new row, in an array", body = Rows), InsertRefusals)
)]
pub(super) async fn insert(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(fields): Body<Fields>,
) -> Result<Response, Error> {
    let request: NewApiKey = fields.read()?;
    let org_id = request.org_id()?.0;
    let (random, now) = (state.random.repeatable(), state.clock.now());
    let key = fields.refuse_unknown(NewApiKey::FIELDS, "set").and_then(|()| request.validate(&org_id, now));
    let added = state.store.write(move |tx| {
        let actor = access::require(tx, &caller, &org_id, Permission::IssueApiKeys, now)?;
        rows::insert_api_key(tx, &actor, key.as_ref().map_err(Refusal::clone)?, &random.draws(), now)
    });
    Ok(envelope::created(added.await?))
}

impl NewApiKey {
    fn validate(&self, org_id: &str, now: Timestamp) -> Result<ClientMadeKey, Refusal> {
        let refused = Refusal::invalid(
            "expires_at must be an RFC 3339 time at most 90 days ahead (zero standing privilege policy)",
        );
        Ok(ClientMadeKey {
            org_id: org_id.to_owned(),
            name: self.name()?.0,
            key_hash: self.key_hash()?.0,
            key_prefix: self.key_prefix()?.0,
            scopes: self.scopes()?.map_or(Scopes::default(), |scopes| scopes.0),
            rate_limit_rpm: rate_limit(self.rate_limit_rpm()?),
            expires_at: self
                .expires_at()?
                .0
                .filter(|moment| *moment > now && *moment <= now.plus(MAX_LIFETIME))
                .ok_or(refused)?,
        })
    }
}

/// The schema of [`NewApiKey`], which refuses unknown fields.
pub(super) fn schema() -> Object {
    closed(schema_of::<NewApiKey>())
}

impl FieldType for KeyHash {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let hash = plain(field, value)?;
        if hash.len() != 64 || !hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Refusal::invalid(format!(
                "{field} must be the key's SHA-256 in 64 lower-case hex characters"
            )));
        }
        Ok(Self(hash))
    }

    fn schema() -> Schema {
        string("^[0-9a-f]*$", 64, 64).into()
    }
}

impl FieldType for KeyPrefix {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let prefix = plain(field, value)?;
        // More than 8 characters would reveal a part of the secret.
        let shown = prefix.strip_prefix("ztna_").or_else(|| prefix.strip_prefix("qztna_"));
        let valid = shown.and_then(|rest| rest.strip_suffix("...")).is_some_and(|shown| {
            (1..=8).contains(&shown.len()) && shown.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if !valid {
            return Err(Refusal::invalid(format!(
                "{field} must be ztna_, the key's first 8 characters, and ..."
            )));
        }
        Ok(Self(prefix))
    }

    fn schema() -> Schema {
        let pattern = r"^q?ztna_[A-Za-z0-9]{1,8}\.\.\.$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl FieldType for ExpiryTime {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        plain(field, value).map(|text| Self(Timestamp::parse(&text)))
    }

    fn schema() -> Schema {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}
