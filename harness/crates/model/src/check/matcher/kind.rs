use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::number;
use crate::scenario::model::Kind;

/// Returns whether the value has the type.
pub(super) fn is(kind: Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Integer, value) => number::is_integer(value),
        (_, value) if number::exact(value).is_some() => false,
        // The documents only use the hyphenated form.
        (Kind::Uuid, Value::String(text)) => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
        (Kind::DateTime, Value::String(text)) => OffsetDateTime::parse(text, &Rfc3339).is_ok(),
        (Kind::String, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Null, Value::Null)
        | (Kind::Array, Value::Array(_))
        | (Kind::Object, Value::Object(_)) => true,
        _ => false,
    }
}

/// Describes the type in messages.
pub(super) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "a UUID",
        Kind::String => "a string",
        Kind::Integer => "an integer",
        Kind::Boolean => "a boolean",
        Kind::Null => "null",
        Kind::Array => "an array",
        Kind::Object => "an object",
        Kind::DateTime => "an RFC 3339 timestamp",
    }
}
