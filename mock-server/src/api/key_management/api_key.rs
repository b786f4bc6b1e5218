//! The request and the result of `create_api_key`.

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::Schema;

use crate::api::request::{
    FieldType, KeyName, NonNull, Optional, RateLimit, Required, ScopeList, integer, request,
};
use crate::control::issue::ApiKeyRequest;
use crate::domain::key::expiry;
use crate::domain::key::material::Material;
use crate::domain::scope::Scopes;
use crate::domain::{Refusal, Timestamp};

/// The rate limit of keys that request none, in uses per minute.
const DEFAULT_RATE_LIMIT: i64 = 60;

request! {
    /// Issues an API key.
    pub(super) struct CreateApiKey {
        /// The key's name.
        name: Required<KeyName>,
        /// The lifetime in days; 30 by default.
        expiry_days: NonNull<Days>,
        /// The calls that the key allows; everything by default.
        scopes: Optional<ScopeList>,
        /// Uses per minute; 60 by default.
        rate_limit_rpm: Optional<RateLimit>,
    }
}

/// Days that [`expiry::api_key`] validates.
pub(in crate::api) struct Days(Value);

/// A new API key (`api-key/F.3`).
#[derive(Serialize, ToSchema)]
pub struct ApiKeyIssued {
    /// The id by which the key is revoked.
    id: String,
    /// The full key, returned only here.
    #[schema(pattern = "^qztna_[0-9a-f]{64}$")]
    key: String,
    /// The start of the key, as shown in lists.
    key_prefix: String,
    name: String,
    expiry_days: Option<i64>,
}

/// Returns the requested rate limit or the default.
pub(in crate::api) fn rate_limit(requested: Option<RateLimit>) -> i64 {
    requested.map_or(DEFAULT_RATE_LIMIT, |limit| limit.0)
}

impl CreateApiKey {
    pub(super) fn validate(&self, now: Timestamp) -> Result<ApiKeyRequest, Refusal> {
        Ok(ApiKeyRequest {
            name: self.name()?.0,
            expiry: expiry::api_key(self.expiry_days()?.map(|days| days.0).as_ref(), now)?,
            scopes: self.scopes()?.map_or(Scopes::default(), |scopes| scopes.0),
            rate_limit_rpm: rate_limit(self.rate_limit_rpm()?),
        })
    }
}

impl ApiKeyIssued {
    /// The response is the only place where the key leaves the server.
    pub(super) fn new(id: String, material: Material, request: ApiKeyRequest) -> Self {
        Self {
            id,
            key: material.secret,
            key_prefix: material.prefix,
            name: request.name,
            expiry_days: request.expiry.days,
        }
    }
}

impl FieldType for Days {
    fn parse(_field: &'static str, value: &Value) -> Result<Self, Refusal> {
        Ok(Self(value.clone()))
    }

    fn schema() -> Schema {
        integer(1, 90)
    }
}

impl fmt::Debug for ApiKeyIssued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyIssued").field("key_prefix", &self.key_prefix).finish_non_exhaustive()
    }
}
