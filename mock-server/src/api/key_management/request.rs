//! The requests of key management, one type for each action.

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::api_key::CreateApiKey;
use super::auth_key::{self, CreateAuthKey, ValidatedAuthKey};
use crate::api::body::Fields;
use crate::api::request::{NonBlank, Required, merged, request, schema_of};
use crate::control::access::Permission;
use crate::control::issue::ApiKeyRequest;
use crate::control::revoke::KeyKind;
use crate::domain::{Refusal, Timestamp};

const ACTIONS: &str = "create_auth_key, create_api_key, revoke_auth_key, revoke_api_key";

/// An action on the keys of an organisation.
pub struct KeyManagementRequest {
    pub(super) org_id: String,
    /// What the action requires.
    pub(super) permission: Permission,
    /// The validated operation, or the refusal to return to callers who may manage keys.
    pub(super) operation: Result<Operation, Refusal>,
}

pub(super) enum Operation {
    CreateAuthKey(ValidatedAuthKey),
    CreateApiKey(ApiKeyRequest),
    Revoke { kind: KeyKind, key_id: String },
}

request! {
    /// An action on the keys of an organisation.
    struct CommonFields {
        action: Required<NonBlank>,
        /// The organisation.
        org_id: Required<NonBlank> = "org_9fX2kR",
    }
}

request! {
    struct RevokeKey {
        /// The key's id.
        key_id: Required<NonBlank>,
    }
}

impl KeyManagementRequest {
    /// Validates a request.
    ///
    /// # Errors
    /// [`Refusal::MissingField`], which does not depend on the caller's permission. Other refusals are returned as the
    /// operation.
    pub(super) fn parse(fields: &Fields, now: Timestamp) -> Result<Self, Refusal> {
        let common: CommonFields = fields.read()?;
        let (action, org_id) = (common.action()?.0, common.org_id()?.0);
        match parse_operation(&action, fields, now) {
            Err(missing @ Refusal::MissingField(_)) => Err(missing),
            operation => Ok(Self { org_id, permission: permission(&action), operation }),
        }
    }
}

fn permission(action: &str) -> Permission {
    if action == "create_api_key" { Permission::IssueApiKeys } else { Permission::ManageKeys }
}

fn parse_operation(action: &str, fields: &Fields, now: Timestamp) -> Result<Operation, Refusal> {
    let revoke = |kind| {
        let key_id = fields.read::<RevokeKey>()?.key_id()?.0;
        Ok(Operation::Revoke { kind, key_id })
    };
    match action {
        "create_auth_key" => Ok(Operation::CreateAuthKey(fields.read::<CreateAuthKey>()?.validate(now)?)),
        "create_api_key" => Ok(Operation::CreateApiKey(fields.read::<CreateApiKey>()?.validate(now)?)),
        "revoke_auth_key" => revoke(KeyKind::AuthKey),
        "revoke_api_key" => revoke(KeyKind::ApiKey),
        _ => Err(Refusal::InvalidAction { valid: ACTIONS }),
    }
}

impl PartialSchema for KeyManagementRequest {
    fn schema() -> RefOr<Schema> {
        let variants = vec![
            ("create_auth_key", auth_key::schema()),
            ("create_api_key", schema_of::<CreateApiKey>()),
            ("revoke_auth_key", schema_of::<RevokeKey>()),
            ("revoke_api_key", schema_of::<RevokeKey>()),
        ];
        merged(&schema_of::<CommonFields>(), variants).into()
    }
}

impl ToSchema for KeyManagementRequest {}
