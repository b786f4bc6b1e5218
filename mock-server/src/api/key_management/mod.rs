//! `POST /api/key-management`, also known as `/api/api-keys`: issues and revokes keys.

mod api_key;
mod auth_key;

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

pub use api_key::ApiKeyIssued;
pub(super) use api_key::rate;
pub use auth_key::{AuthKeyIssued, GuideFields};

use super::body::Body;
use super::caller::Caller;
use super::envelope::{self, Failed, Success};
use super::{Error, State};
use crate::control::access::{self, Permission};
use crate::control::revoke::{self, KeyKind};
use crate::control::{Failure, issue};
use crate::domain::Refusal;
use crate::domain::key::material::Material;

const ACTIONS: &str = "create_auth_key, create_api_key, revoke_auth_key, revoke_api_key";

/// What may be asked. Which fields count depends on the action.
#[derive(Debug, ToSchema)]
pub struct KeyManagementRequest {
    /// create_auth_key, create_api_key, revoke_auth_key or revoke_api_key.
    pub action: String,
    /// The organisation.
    pub org_id: String,
    /// To create: the key's name.
    pub name: Option<String>,
    /// To create an auth key: whether it enrols more than once; false if absent.
    pub reusable: Option<bool>,
    /// To create an auth key: whether its machines go away by themselves; false if absent.
    pub ephemeral: Option<bool>,
    /// To create: 1 to 365 days for an auth key (90 if absent), 1 to 90 for an API key (30 if absent).
    #[schema(minimum = 1, maximum = 365)]
    pub expiry_days: Option<i64>,
    /// To create an auth key: seconds instead of days.
    #[schema(minimum = 300, maximum = 2_592_000)]
    pub expires_in: Option<i64>,
    /// To create an auth key: the tags a machine may claim; any if absent.
    pub allowed_tags: Option<Vec<String>>,
    /// To create an auth key: the networks a machine may register from; any if absent.
    pub allowed_cidrs: Option<Vec<String>>,
    /// To create an auth key: the tags every machine gets.
    pub tags: Option<Vec<String>>,
    /// To create an auth key: what it is for; its name if there is no name.
    pub description: Option<String>,
    /// To create an API key: what it may be used for; everything if absent.
    pub scopes: Option<Vec<String>>,
    /// To create an API key: uses a minute; 60 if absent.
    #[schema(minimum = 1)]
    pub rate_limit_rpm: Option<i64>,
    /// To revoke: the key's id.
    pub key_id: Option<String>,
}

/// A key that is no longer valid.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revoked {
    /// The key's id.
    id: String,
    /// Always true.
    revoked: bool,
}

/// What an action answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum KeyManagementAnswer {
    /// To create_auth_key.
    AuthKey(AuthKeyIssued),
    /// To create_api_key.
    ApiKey(ApiKeyIssued),
    /// To revoke_auth_key and revoke_api_key.
    Revoked(Revoked),
}

#[derive(Clone, Copy)]
enum Action {
    CreateAuthKey,
    CreateApiKey,
    Revoke(KeyKind),
}

/// Issues or revokes a key.
#[utoipa::path(
    post,
    path = "/api/key-management",
    request_body = KeyManagementRequest,
    responses(
        (status = 200, description = "The key is revoked", body = Success<KeyManagementAnswer>),
        (status = 201, description = "The key, in full for the only time", body = Success<KeyManagementAnswer>),
        (status = 400, description = "MISSING_FIELDS, INVALID_INPUT, INVALID_ACTION, INVALID_SCOPES, INVALID_JSON", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "FORBIDDEN, INSUFFICIENT_SCOPE", body = Failed),
        (status = 404, description = "NOT_FOUND", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
        (status = 429, description = "RATE_LIMITED", body = Failed),
    ),
    security(("session" = []), ("api_key" = []))
)]
pub async fn key_management(
    extract::State(state): extract::State<State>,
    caller: Caller,
    body: Body,
) -> Result<Response, Error> {
    perform(state, caller, body).await
}

/// The same under the name that chapter api-key gives it.
#[utoipa::path(
    post,
    path = "/api/api-keys",
    request_body = KeyManagementRequest,
    responses(
        (status = 200, description = "The key is revoked", body = Success<KeyManagementAnswer>),
        (status = 201, description = "The key, in full for the only time", body = Success<KeyManagementAnswer>),
        (status = 400, description = "As of /api/key-management", body = Failed),
        (status = 401, description = "UNAUTHORIZED", body = Failed),
        (status = 403, description = "FORBIDDEN, INSUFFICIENT_SCOPE", body = Failed),
        (status = 404, description = "NOT_FOUND", body = Failed),
        (status = 413, description = "PAYLOAD_TOO_LARGE", body = Failed),
        (status = 429, description = "RATE_LIMITED", body = Failed),
    ),
    security(("session" = []), ("api_key" = []))
)]
pub async fn api_keys(
    extract::State(state): extract::State<State>,
    caller: Caller,
    body: Body,
) -> Result<Response, Error> {
    perform(state, caller, body).await
}

/// What is missing is said before who may, and who may before what is wrong (`generate/ST5.1` to `ST5.3`).
async fn perform(state: State, caller: Caller, body: Body) -> Result<Response, Error> {
    let now = state.clock.now();
    let random = state.random;
    let name = body.required("action")?;
    let org_id = body.required("org_id")?;
    let action = action(&name);
    match action {
        Some(Action::CreateAuthKey) => auth_key::require(&body)?,
        Some(Action::CreateApiKey) => body.require("name")?,
        Some(Action::Revoke(_)) => body.require("key_id")?,
        None => {}
    }
    let answer = state.store.write(move |tx| {
        let actor = access::require(tx, &caller, &org_id, Permission::ManageKeys, now)?;
        match action.ok_or(Refusal::InvalidAction { valid: ACTIONS })? {
            Action::CreateAuthKey => {
                let request = auth_key::read(&body, now)?;
                let material = Material::auth_key(random.bytes());
                let id = issue::auth_key(tx, &actor, &org_id, &request, &material, &random, now)?;
                Ok(KeyManagementAnswer::AuthKey(AuthKeyIssued::new(id, material, request, &body)))
            }
            Action::CreateApiKey => {
                let request = api_key::read(&body, now)?;
                let material = Material::api_key(random.bytes());
                let id = issue::api_key(tx, &actor, &org_id, &request, &material, &random, now)?;
                Ok(KeyManagementAnswer::ApiKey(ApiKeyIssued::new(id, material, request)))
            }
            Action::Revoke(kind) => {
                let id = body.required("key_id")?;
                revoke::revoke(tx, kind, &actor, &org_id, &id, &random, now)?;
                Ok::<_, Failure>(KeyManagementAnswer::Revoked(Revoked { id, revoked: true }))
            }
        }
    });
    Ok(match answer.await? {
        revoked @ KeyManagementAnswer::Revoked(_) => envelope::ok(revoked),
        made => envelope::created(made),
    })
}

fn action(name: &str) -> Option<Action> {
    match name {
        "create_auth_key" => Some(Action::CreateAuthKey),
        "create_api_key" => Some(Action::CreateApiKey),
        "revoke_auth_key" => Some(Action::Revoke(KeyKind::AuthKey)),
        "revoke_api_key" => Some(Action::Revoke(KeyKind::ApiKey)),
        _ => None,
    }
}
