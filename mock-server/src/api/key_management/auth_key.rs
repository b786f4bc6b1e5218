//! The fields and the answer of `create_auth_key`.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::control::issue::AuthKeyRequest;
use crate::domain::cidr::AllowedCidrs;
use crate::domain::key::material::Material;
use crate::domain::key::{expiry, name};
use crate::domain::{Refusal, Timestamp, tag};

/// A new auth key (`generate/F.4`).
#[derive(Serialize, ToSchema)]
pub struct AuthKeyIssued {
    /// What it is revoked by.
    id: String,
    /// The key in full, for the only time.
    #[schema(pattern = "^tskey-auth-[0-9a-f]{64}$")]
    key: String,
    /// What lists show of it.
    key_prefix: String,
    /// Its name.
    name: String,
    /// Whether it enrols more than once.
    reusable: bool,
    /// Whether its machines go away by themselves.
    ephemeral: bool,
    /// Its life in days; null if the guide's form asked for no whole number of days.
    expiry_days: Option<i64>,
    /// The tags a machine may claim; null: any.
    allowed_tags: Option<Vec<String>>,
    /// The networks a machine may register from; null: any.
    allowed_cidrs: Option<Vec<String>>,
    /// What the guide's form has beyond that; absent if it was not used.
    #[serde(flatten)]
    guide: Option<GuideFields>,
}

/// What the guide's form of an auth key has beyond chapter generate's.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideFields {
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The tags every machine gets; null: none.
    tags: Option<Vec<String>>,
    /// What it is for.
    description: Option<String>,
}

/// A name, or in the guide's form a description, must be there (`generate/ST5.1`, `issuing/create.1`).
pub(super) fn require(body: &Body) -> Result<(), Refusal> {
    if body.present("name") || body.present("description") {
        return Ok(());
    }
    Err(Refusal::MissingField("name"))
}

/// Checks every field.
pub(super) fn read(body: &Body, now: Timestamp) -> Result<AuthKeyRequest, Refusal> {
    let description = body.text("description")?;
    let (field, name) = match body.text("name")?.filter(|name| !name.trim().is_empty()) {
        Some(name) => ("name", name),
        None => ("description", description.clone().ok_or(Refusal::MissingField("name"))?),
    };
    name::check(field, &name)?;
    Ok(AuthKeyRequest {
        name,
        reusable: body.flag("reusable")?,
        ephemeral: body.flag("ephemeral")?,
        expiry: expiry::auth_key(body.raw("expiry_days"), body.raw("expires_in"), now)?,
        allowed_tags: tags(body, "allowed_tags")?,
        allowed_cidrs: AllowedCidrs::parse(body.texts("allowed_cidrs")?)?,
        tags: tags(body, "tags")?,
        description,
    })
}

impl AuthKeyIssued {
    /// The answer to a request; the only place where the key leaves the server.
    pub(super) fn new(id: String, material: Material, request: AuthKeyRequest, body: &Body) -> Self {
        let guide = ["expires_in", "tags", "description"].iter().any(|field| body.has(field));
        Self {
            id,
            key: material.secret,
            key_prefix: material.prefix,
            name: request.name,
            reusable: request.reusable,
            ephemeral: request.ephemeral,
            expiry_days: request.expiry.days,
            allowed_tags: request.allowed_tags,
            allowed_cidrs: request.allowed_cidrs.written().map(<[String]>::to_vec),
            guide: guide.then_some(GuideFields {
                expires_at: request.expiry.expires_at,
                tags: request.tags,
                description: request.description,
            }),
        }
    }
}

impl fmt::Debug for AuthKeyIssued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthKeyIssued").field("key_prefix", &self.key_prefix).finish_non_exhaustive()
    }
}

/// A list of tags; an empty one says nothing, as with networks.
fn tags(body: &Body, field: &'static str) -> Result<Option<Vec<String>>, Refusal> {
    let list = body.texts(field)?.filter(|list| !list.is_empty());
    list.map(|list| tag::normalise(field, &list)).transpose()
}
