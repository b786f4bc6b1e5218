//! `POST /api/key-management` and its alias `/api/api-keys`: issue and revoke keys.

mod api_key;
mod auth_key;
mod request;

use axum::extract;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

pub use api_key::ApiKeyIssued;
pub(super) use api_key::rate_limit;
pub use auth_key::{AuthKeyIssued, GuideFields};
pub use request::KeyManagementRequest;

use super::body::{Body, Fields};
use super::caller::Caller;
use super::envelope::{self, Success};
use super::refusals::refusals;
use super::{Error, State};
use crate::control::access;
use crate::control::{ControlError, issue, revoke};
use crate::domain::key::material::Material;
use request::Operation;

refusals!(KeyManagementRefusals: MissingFields, InvalidInput, InvalidAction, InvalidScopes, InvalidJson, Unauthorized,
    Forbidden, InsufficientScope, NotFound, PayloadTooLarge, RateLimited);

/// A revoked key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revoked {
    id: String,
    /// Always true.
    revoked: bool,
}

/// The result of an operation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum KeyManagementAnswer {
    /// Of create_auth_key.
    AuthKey(AuthKeyIssued),
    /// Of create_api_key.
    ApiKey(ApiKeyIssued),
    /// Of revoke_auth_key and revoke_api_key.
    Revoked(Revoked),
}

/// Issues or revokes a key.
#[utoipa::path(
    post,
    path = "/api/key-management",
    request_body = KeyManagementRequest,
    responses(
        (status = 200, description = "The key is revoked", body = Success<KeyManagementAnswer>),
        (status = 201, description = "The key, in full for the only time", body = Success<KeyManagementAnswer>),
        KeyManagementRefusals,
    ),
    security(("session" = []), ("api_key" = []))
)]
pub async fn key_management(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(fields): Body<Fields>,
) -> Result<Response, Error> {
    perform(state, caller, fields).await
}

/// Issues or revokes a key: the name of /api/key-management in chapter api-key.
#[utoipa::path(
    post,
    path = "/api/api-keys",
    request_body = KeyManagementRequest,
    responses(
        (status = 200, description = "The key is revoked", body = Success<KeyManagementAnswer>),
        (status = 201, description = "The key, in full for the only time", body = Success<KeyManagementAnswer>),
        KeyManagementRefusals,
    ),
    security(("session" = []), ("api_key" = []))
)]
pub async fn api_keys(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(fields): Body<Fields>,
) -> Result<Response, Error> {
    perform(state, caller, fields).await
}

/// Missing fields are refused before a missing permission, and that before invalid fields (`generate/ST5.1` to `ST5.3`).
async fn perform(state: State, caller: Caller, fields: Fields) -> Result<Response, Error> {
    let now = state.clock.now();
    let request = KeyManagementRequest::parse(&fields, now)?;
    let (org_id, permission) = (request.org_id, request.permission);
    let operation = match request.operation {
        Ok(operation) => operation,
        Err(refusal) => {
            let authorise =
                state.store.read(move |tx| access::require(tx, &caller, &org_id, permission, now).map(drop));
            authorise.await?;
            return Err(refusal.into());
        }
    };
    let random = state.random.repeatable();
    let answer = state.store.write(move |tx| {
        let random = random.draws();
        let actor = access::require(tx, &caller, &org_id, permission, now)?;
        match &operation {
            Operation::CreateAuthKey(request) => {
                let material = Material::auth_key(random.bytes());
                let id = issue::auth_key(tx, &actor, &org_id, &request.key, &material, &random, now)?;
                Ok(KeyManagementAnswer::AuthKey(AuthKeyIssued::new(id, material, request.clone())))
            }
            Operation::CreateApiKey(request) => {
                let material = Material::api_key(random.bytes());
                let id = issue::api_key(tx, &actor, &org_id, request, &material, &random, now)?;
                Ok(KeyManagementAnswer::ApiKey(ApiKeyIssued::new(id, material, request.clone())))
            }
            Operation::Revoke { kind, key_id } => {
                revoke::revoke(tx, *kind, &actor, &org_id, key_id, &random, now)?;
                let revoked = Revoked { id: key_id.clone(), revoked: true };
                Ok::<_, ControlError>(KeyManagementAnswer::Revoked(revoked))
            }
        }
    });
    Ok(match answer.await? {
        revoked @ KeyManagementAnswer::Revoked(_) => envelope::ok(revoked),
        issued => envelope::created(issued),
    })
}
