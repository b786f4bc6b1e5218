//! `PATCH /api/db/{auth_keys,api_keys}?id=eq.ID`: renames or revokes a key.

use axum::extract::{self, RawQuery};
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};

use super::query::parse_query;
use super::row::Rows;
use crate::api::body::{Body, Fields};
use crate::api::caller::Caller;
use crate::api::envelope;
use crate::api::refusals::refusals;
use crate::api::request::{FieldType, KeyName, NonNull, closed, request, schema_of};
use crate::api::{Error, State};
use crate::control::rows::{self, KeyUpdate};
use crate::domain::Refusal;
use crate::domain::filter::Table;

request! {
    /// A change of a key.
    pub(super) struct KeyChange {
        /// The new name.
        name: NonNull<KeyName>,
        /// Only true, because revocation is permanent.
        revoked: NonNull<Revocation>,
    }
}

refusals!(ChangeRefusals: InvalidFilter, InvalidInput, InvalidJson, Unauthorized, Forbidden, InsufficientScope,
    NotFound, PayloadTooLarge, RateLimited);

pub(in crate::api) struct Revocation;

/// Renames or revokes the key selected by the filter `id=eq.ID`.
#[utoipa::path(
    patch,
    path = "/api/db/{table}",
    security(("session" = []), ("api_key" = [])),
    request_body = KeyChange,
    responses((status = 200, description = "The changed row, in an array", body = Rows), ChangeRefusals)
)]
pub(super) async fn change(
    table: &'static Table,
    extract::State(state): extract::State<State>,
    caller: Caller,
    RawQuery(text): RawQuery,
    Body(fields): Body<Fields>,
) -> Result<Response, Error> {
    let (_, query) = parse_query(table, text.as_deref())?;
    if query.equals("id").len() != 1 {
        return Err(Refusal::InvalidFilter("select exactly one key with id=eq.ID".to_owned()).into());
    }
    fields.refuse_unknown(KeyChange::FIELDS, "changed")?;
    let update = fields.read::<KeyChange>()?.validate()?;
    let (random, now) = (state.random.repeatable(), state.clock.now());
    let updated =
        state.store.write(move |tx| rows::update(tx, &caller, &query, &update, &random.draws(), now));
    Ok(envelope::ok(updated.await?))
}

impl KeyChange {
    fn validate(&self) -> Result<KeyUpdate, Refusal> {
        let (name, revoke) = (self.name()?.map(|name| name.0), self.revoked()?.is_some());
        if name.is_none() && !revoke {
            return Err(Refusal::invalid("nothing to change: set name, revoked, or both"));
        }
        Ok(KeyUpdate { name, revoke })
    }
}

/// The schema of [`KeyChange`], which refuses unknown fields and an empty change.
pub(super) fn schema() -> Object {
    let mut schema = closed(schema_of::<KeyChange>());
    schema.min_properties = Some(1);
    schema
}

impl FieldType for Revocation {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        match value {
            Value::Bool(true) => Ok(Self),
            _ => Err(Refusal::invalid(format!("{field} can only be set to true: revocation is permanent"))),
        }
    }

    fn schema() -> Schema {
        ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).into()
    }
}
