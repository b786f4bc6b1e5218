//! The request and the result of `create_auth_key`.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Object, Schema};

use crate::api::request::{
    FieldType, Flag, Networks, NonNull, Optional, SHOWN, Tags, Text, VISIBLE, integer, keyword, plain,
    request, schema_of, string,
};
use crate::control::issue::AuthKeyRequest;
use crate::domain::cidr::AllowedCidrs;
use crate::domain::key::material::Material;
use crate::domain::key::{expiry, name};
use crate::domain::{Refusal, Timestamp};

request! {
    /// Issues an auth key. Either a name or a description is required; expiry_days and expires_in exclude each other.
    pub(super) struct CreateAuthKey {
        /// The key's name; the description by default.
        name: Optional<PossibleName>,
        /// What the key is for.
        description: Optional<Text>,
        /// Whether the key admits more than one registration; false by default.
        reusable: Optional<Flag>,
        /// Whether the machines are deleted after half an hour without a heartbeat; false by default.
        ephemeral: Optional<Flag>,
        /// The lifetime in days; 90 by default.
        expiry_days: NonNull<Days>,
        /// The lifetime in seconds, instead of days.
        expires_in: NonNull<Seconds>,
        /// The tags that a machine may claim; any by default.
        allowed_tags: Optional<Tags>,
        /// The networks from which a machine may register; any by default.
        allowed_cidrs: Optional<Networks>,
        /// The tags that every machine receives.
        tags: Optional<Tags>,
    }
}

/// A validated request, and whether it used the guide's form.
#[derive(Clone)]
pub(super) struct ValidatedAuthKey {
    pub(super) key: AuthKeyRequest,
    is_guide: bool,
}

/// A name that may be blank.
pub(in crate::api) struct PossibleName(String);

/// Days that [`expiry::auth_key`] validates.
pub(in crate::api) struct Days(Value);

/// Seconds that [`expiry::auth_key`] validates.
pub(in crate::api) struct Seconds(Value);

/// A new auth key (`generate/F.4`).
#[derive(Serialize, ToSchema)]
pub struct AuthKeyIssued {
    /// The id by which the key is revoked.
    id: String,
    /// The full key, returned only here.
    #[schema(pattern = "^tskey-auth-[0-9a-f]{64}$")]
    key: String,
    /// The start of the key, as shown in lists.
    key_prefix: String,
    name: String,
    reusable: bool,
    ephemeral: bool,
    /// The lifetime in days; null if it is not a whole number of days.
    expiry_days: Option<i64>,
    /// The tags that a machine may claim; null means any.
    allowed_tags: Option<Vec<String>>,
    /// The networks from which a machine may register; null means any.
    allowed_cidrs: Option<Vec<String>>,
    /// The fields of the guide's form, if the request used it.
    #[serde(flatten)]
    guide: Option<GuideFields>,
}

/// The additional fields of the guide's form.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideFields {
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The tags that every machine receives; null means none.
    tags: Option<Vec<String>>,
    description: Option<String>,
}

impl CreateAuthKey {
    /// Validates the request. A missing name is refused first (`generate/ST5.1`, `issuing/create.1`).
    pub(super) fn validate(&self, now: Timestamp) -> Result<ValidatedAuthKey, Refusal> {
        let (name, description) = (self.name(), self.description());
        if matches!((&name, &description), (Ok(name), Ok(description)) if is_blank(name.as_ref().map(|name| &name.0))
            && is_blank(description.as_ref().map(|text| &text.0)))
        {
            return Err(Refusal::MissingField("name"));
        }
        let description = description?.map(|text| text.0);
        let name = name?.map(|name| name.0).filter(|name| !name.trim().is_empty());
        let (field, name) = match name {
            Some(name) => ("name", name),
            None => ("description", description.clone().ok_or(Refusal::MissingField("name"))?),
        };
        let name = name::normalise(field, &name)?;
        let days = self.expiry_days()?.map(|days| days.0);
        let seconds = self.expires_in()?.map(|seconds| seconds.0);
        let non_empty = |tags: Option<Tags>| tags.map(|tags| tags.0).filter(|tags| !tags.is_empty());
        let key = AuthKeyRequest {
            name,
            reusable: self.reusable()?.is_some_and(|flag| flag.0),
            ephemeral: self.ephemeral()?.is_some_and(|flag| flag.0),
            expiry: expiry::auth_key(days.as_ref(), seconds.as_ref(), now)?,
            allowed_tags: non_empty(self.allowed_tags()?),
            allowed_cidrs: self.allowed_cidrs()?.map_or(AllowedCidrs::default(), |networks| networks.0),
            tags: non_empty(self.tags()?),
            description,
        };
        let is_guide = self.expires_in.is_given() || self.tags.is_given() || self.description.is_given();
        Ok(ValidatedAuthKey { key, is_guide })
    }
}

impl AuthKeyIssued {
    /// The response is the only place where the key leaves the server.
    pub(super) fn new(id: String, material: Material, request: ValidatedAuthKey) -> Self {
        let ValidatedAuthKey { key, is_guide } = request;
        Self {
            id,
            key: material.secret,
            key_prefix: material.prefix,
            name: key.name,
            reusable: key.reusable,
            ephemeral: key.ephemeral,
            expiry_days: key.expiry.days,
            allowed_tags: key.allowed_tags,
            allowed_cidrs: key.allowed_cidrs.written().map(<[String]>::to_vec),
            guide: is_guide.then_some(GuideFields {
                expires_at: key.expiry.expires_at,
                tags: key.tags,
                description: key.description,
            }),
        }
    }
}

/// The schema of [`CreateAuthKey`] with the rules that involve several fields.
pub(super) fn schema() -> Object {
    let named = json!({
        "required": ["name"],
        "properties": { "name": { "type": "string", "pattern": VISIBLE } },
    });
    let described = json!({
        "required": ["description"],
        "properties": {
            "name": { "type": ["string", "null"], "pattern": "^ *$" },
            "description": { "type": "string", "pattern": VISIBLE, "maxLength": name::MAX_NAME_LEN },
        },
    });
    let schema = keyword(schema_of::<CreateAuthKey>(), "anyOf", json!([named, described]));
    keyword(schema, "not", json!({ "required": ["expiry_days", "expires_in"] }))
}

fn is_blank(text: Option<&String>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}

impl FieldType for PossibleName {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        plain(field, value).map(Self)
    }

    fn schema() -> Schema {
        string(SHOWN, 0, name::MAX_NAME_LEN).into()
    }
}

impl FieldType for Days {
    fn parse(_field: &'static str, value: &Value) -> Result<Self, Refusal> {
        Ok(Self(value.clone()))
    }

    fn schema() -> Schema {
        integer(1, 365)
    }
}

impl FieldType for Seconds {
    fn parse(_field: &'static str, value: &Value) -> Result<Self, Refusal> {
        Ok(Self(value.clone()))
    }

    fn schema() -> Schema {
        integer(300, 30 * 24 * 60 * 60)
    }
}

impl fmt::Debug for AuthKeyIssued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthKeyIssued").field("key_prefix", &self.key_prefix).finish_non_exhaustive()
    }
}
