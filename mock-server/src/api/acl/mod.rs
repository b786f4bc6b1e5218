//! `GET` and `PUT /api/acl`: the access rules of an organisation (`issuing/tags.3`).

mod rule_list;

use axum::extract::{self, RawQuery};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, ToSchema};
use ztna_protocol::access::RuleView;

use super::body::Body;
use super::caller::Caller;
use super::envelope::{self, Success};
use super::pairs::{pairs, refuse_repeated};
use super::refusals::refusals;
use super::request::{FieldType, NonBlank, Optional, Required, integer, request};
use super::{Error, State};
use crate::control::access::{self, Permission};
use crate::control::{ControlError, access_rules};
use crate::domain::scope::Resource;
use crate::domain::{Refusal, Timestamp};
use crate::store::access_rules::{StoredRules, find};
use rule_list::RuleList;

/// The rules of an organisation.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AclQuery {
    /// The organisation.
    #[param(min_length = 1)]
    pub org_id: String,
}

request! {
    /// All access rules of an organisation.
    pub struct AclRequest {
        /// The organisation.
        org_id: Required<NonBlank> = "org_9fX2kR",
        /// All rules from now on. Without any, every machine may reach every other; else only what a rule allows.
        rules: Required<RuleList>,
        /// The version that is replaced: if the rules have another one, they are not changed. Without it, any is replaced.
        version: Optional<ReplacedVersion>,
    }
}

/// The access rules.
#[derive(Serialize, ToSchema)]
pub struct AccessRules {
    /// Grows with each change; 0 if there never were rules.
    version: i64,
    rules: Vec<RuleView>,
    /// When the rules were last changed; null if never.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

pub(in crate::api) struct ReplacedVersion(i64);

refusals!(AclRefusals: MissingFields, InvalidInput, Unauthorized, Forbidden, InsufficientScope, RateLimited);
refusals!(ReplaceAclRefusals: MissingFields, InvalidInput, InvalidJson, Unauthorized, Forbidden, InsufficientScope,
    VersionConflict, PayloadTooLarge, RateLimited);

/// Returns the access rules.
#[utoipa::path(
    get,
    path = "/api/acl",
    params(AclQuery),
    responses((status = 200, description = "The rules", body = Success<AccessRules>), AclRefusals),
    security(("session" = []), ("api_key" = []))
)]
pub async fn access_rules(
    extract::State(state): extract::State<State>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Response, Error> {
    let AclQuery { org_id } = AclQuery::parse(text.as_deref().unwrap_or_default())?;
    let now = state.clock.now();
    let read = state.store.read(move |tx| {
        access::require(tx, &caller, &org_id, Permission::Read(Resource::Acl), now)?;
        Ok::<_, ControlError>(find(tx, &org_id)?)
    });
    Ok(envelope::ok(AccessRules::from(read.await?)))
}

/// Replaces the access rules; machines apply them at once.
#[utoipa::path(
    put,
    path = "/api/acl",
    request_body = AclRequest,
    responses((status = 200, description = "The new rules", body = Success<AccessRules>), ReplaceAclRefusals),
    security(("session" = []), ("api_key" = []))
)]
pub async fn replace_access_rules(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(request): Body<AclRequest>,
) -> Result<Response, Error> {
    let org_id = request.org_id()?.0;
    let asked = request.rules().and_then(|rules| Ok((rules.0, request.version()?.map(|version| version.0))));
    let now = state.clock.now();
    let random = state.random.repeatable();
    let replaced = state.store.write(move |tx| {
        let actor = access::require(tx, &caller, &org_id, Permission::Write(Resource::Acl), now)?;
        let (rules, expected) = asked.as_ref().map_err(Refusal::clone)?;
        access_rules::replace(tx, &actor, &org_id, rules, *expected, &random.draws(), now)
    });
    Ok(envelope::ok(AccessRules::from(replaced.await?)))
}

impl AclQuery {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let pairs = pairs(text.as_bytes())?;
        refuse_repeated(&pairs, &["org_id"])?;
        let org_id = pairs.into_iter().find(|(name, value)| name == "org_id" && !value.is_empty());
        Ok(Self { org_id: org_id.ok_or(Refusal::MissingField("org_id"))?.1 })
    }
}

impl From<StoredRules> for AccessRules {
    fn from(StoredRules { version, rules, updated_at }: StoredRules) -> Self {
        Self { version, rules, updated_at }
    }
}

impl FieldType for ReplacedVersion {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        // 23.0 is an integer as well.
        let whole = || value.to_string().strip_suffix(".0").and_then(|text| text.parse().ok());
        let version = value.as_i64().or_else(whole).filter(|version| *version >= 0);
        version.map(Self).ok_or_else(|| Refusal::invalid(format!("{field} must be a non-negative integer")))
    }

    fn schema() -> Schema {
        integer(0, i64::MAX)
    }
}
