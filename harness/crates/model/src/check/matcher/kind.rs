//! Kinds of values.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::scenario::model::Kind;

/// Whether the value is of that kind.
pub(super) fn is(kind: Kind, value: &Value) -> bool {
    match (kind, value) {
        // Only the form with hyphens is a UUID as documents write it.
        (Kind::Uuid, Value::String(text)) => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
        (Kind::DateTime, Value::String(text)) => OffsetDateTime::parse(text, &Rfc3339).is_ok(),
        (Kind::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Kind::String, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Null, Value::Null)
        | (Kind::Array, Value::Array(_))
        | (Kind::Object, Value::Object(_)) => true,
        _ => false,
    }
}

/// The kind in words.
pub(super) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "a UUID",
        Kind::String => "a string",
        Kind::Integer => "an integer",
        Kind::Boolean => "true or false",
        Kind::Null => "null",
        Kind::Array => "an array",
        Kind::Object => "an object",
        Kind::DateTime => "a date and time (RFC 3339)",
    }
}
