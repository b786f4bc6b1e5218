//! The fields and the answer of `create_api_key`.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::control::issue::ApiKeyRequest;
use crate::domain::key::material::Material;
use crate::domain::key::{expiry, name};
use crate::domain::scope::Scopes;
use crate::domain::{Refusal, Timestamp};

const DEFAULT_RATE: i64 = 60;

/// A new API key (`api-key/F.3`).
#[derive(Serialize, ToSchema)]
pub struct ApiKeyIssued {
    /// What it is revoked by.
    id: String,
    /// The key in full, for the only time.
    #[schema(pattern = "^qztna_[0-9a-f]{64}$")]
    key: String,
    /// What lists show of it.
    key_prefix: String,
    /// Its name.
    name: String,
    /// Its life in days.
    expiry_days: Option<i64>,
}

/// Checks every field.
pub(super) fn read(body: &Body, now: Timestamp) -> Result<ApiKeyRequest, Refusal> {
    let name = body.required("name")?;
    name::check("name", &name)?;
    let expiry = expiry::api_key(body.raw("expiry_days"), now)?;
    let scopes =
        Scopes::requested(body.texts("scopes")?).map_err(|unknown| Refusal::InvalidScopes { unknown })?;
    Ok(ApiKeyRequest { name, scopes, rate_limit_rpm: rate(body)?, expiry })
}

impl ApiKeyIssued {
    /// The answer to a request; the only place where the key leaves the server.
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

impl fmt::Debug for ApiKeyIssued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyIssued").field("key_prefix", &self.key_prefix).finish_non_exhaustive()
    }
}

/// `rate_limit_rpm`: any positive integer (`api-key/ST3.1`).
pub(in crate::api) fn rate(body: &Body) -> Result<i64, Refusal> {
    if !body.present("rate_limit_rpm") {
        return Ok(DEFAULT_RATE);
    }
    let rate = body.raw("rate_limit_rpm").and_then(serde_json::Value::as_i64).filter(|rate| *rate > 0);
    rate.ok_or(Refusal::invalid("rate_limit_rpm must be a positive integer"))
}
