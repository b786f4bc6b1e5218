//! The types of fields that several requests share.

use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::field::FieldType;
use super::schema::{array, integer, string};
use crate::domain::Refusal;
use crate::domain::cidr::{AllowedCidrs, MAX_NETWORKS};
use crate::domain::key::name;
use crate::domain::scope::{self, Scopes};
use crate::domain::tag::{self, MAX_TAGS};

/// The maximum length of a text in characters, unless its field has a lower one.
pub(in crate::api) const MAX_TEXT_LEN: usize = 1024;

/// Matches text without control characters.
pub(in crate::api) const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// Matches text without control characters that is not blank.
pub(in crate::api) const PRINTABLE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

const TAG: &str = r"^(tag:)?[A-Za-z0-9_.-]{1,63}$";

/// Typical networks: IPv4, and IPv6 in lower case.
const NETWORK: &str = concat!(
    r"^(((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])",
    r"/(3[0-2]|[12]?[0-9])",
    r"|(([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|([0-9a-f]{1,4}:){1,6}:)/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"
);

/// Text without control characters.
pub(in crate::api) struct Text(pub(in crate::api) String);

/// Text without control characters that is not blank.
pub(in crate::api) struct NonBlank(pub(in crate::api) String);

/// Text that may be blank and is not trimmed.
pub(in crate::api) struct Password(pub(in crate::api) String);

pub(in crate::api) struct Flag(pub(in crate::api) bool);

/// The name of a key.
pub(in crate::api) struct KeyName(pub(in crate::api) String);

/// Normalised tags.
pub(in crate::api) struct Tags(pub(in crate::api) Vec<String>);

pub(in crate::api) struct Networks(pub(in crate::api) AllowedCidrs);

pub(in crate::api) struct ScopeList(pub(in crate::api) Scopes);

/// Uses per minute: any positive integer (`api-key/ST3.1`).
pub(in crate::api) struct RateLimit(pub(in crate::api) i64);

/// Accepts a string without control characters and of at most 1024 characters.
pub(in crate::api) fn plain(field: &'static str, value: &Value) -> Result<String, Refusal> {
    let text = value.as_str().ok_or_else(|| Refusal::invalid(format!("{field} must be a string")))?;
    check_plain(field, text)
}

impl FieldType for Text {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        plain(field, value).map(Self)
    }

    fn schema() -> Schema {
        string(PLAIN, 0, MAX_TEXT_LEN).into()
    }
}

impl FieldType for NonBlank {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        plain(field, value).map(Self)
    }

    fn schema() -> Schema {
        string(PRINTABLE, 1, MAX_TEXT_LEN).into()
    }
}

impl FieldType for Password {
    const BLANK_IS_MISSING: bool = false;

    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        plain(field, value).map(Self)
    }

    fn schema() -> Schema {
        Text::schema()
    }
}

impl FieldType for Flag {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        value.as_bool().map(Self).ok_or_else(|| Refusal::invalid(format!("{field} must be a boolean")))
    }

    fn schema() -> Schema {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

impl FieldType for KeyName {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let name = plain(field, value)?;
        name::check(field, &name)?;
        Ok(Self(name))
    }

    fn schema() -> Schema {
        string(PRINTABLE, 1, name::MAX_NAME_LEN).into()
    }
}

impl FieldType for Tags {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        tag::normalise(field, &strings(field, value)?).map(Self)
    }

    fn schema() -> Schema {
        array(string(TAG, 1, "tag:".len() + tag::MAX_TAG_LEN), Some(MAX_TAGS))
    }
}

impl FieldType for Networks {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        AllowedCidrs::parse(Some(strings(field, value)?)).map(Self)
    }

    fn schema() -> Schema {
        array(ObjectBuilder::new().schema_type(Type::String).pattern(Some(NETWORK)), Some(MAX_NETWORKS))
    }
}

impl FieldType for ScopeList {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        Scopes::requested(Some(strings(field, value)?)).map(Self)
    }

    fn schema() -> Schema {
        array(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(scope::names())), None)
    }
}

impl FieldType for RateLimit {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let rate = value.as_i64().filter(|rate| *rate > 0);
        rate.map(Self).ok_or_else(|| Refusal::invalid(format!("{field} must be a positive integer")))
    }

    fn schema() -> Schema {
        integer(1, i64::MAX)
    }
}

/// Accepts an array of strings without control characters.
pub(in crate::api) fn strings(field: &'static str, value: &Value) -> Result<Vec<String>, Refusal> {
    let invalid = || Refusal::invalid(format!("{field} must be an array of strings"));
    let items = value.as_array().ok_or_else(invalid)?;
    items.iter().map(|item| check_plain(field, item.as_str().ok_or_else(invalid)?)).collect()
}

fn check_plain(field: &'static str, text: &str) -> Result<String, Refusal> {
    if text.chars().count() > MAX_TEXT_LEN {
        return Err(Refusal::invalid(format!("{field} must not be longer than {MAX_TEXT_LEN} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::invalid(format!("{field} must not contain control characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_name_the_field() {
        for refused in [
            Text::parse("field", &json!(1)).err(),
            Text::parse("field", &json!("a\u{0}b")).err(),
            Text::parse("field", &json!("x".repeat(1025))).err(),
            Flag::parse("field", &json!("true")).err(),
            Tags::parse("field", &json!("x")).err(),
            Tags::parse("field", &json!([1])).err(),
            KeyName::parse("field", &json!(" ")).err(),
            RateLimit::parse("field", &json!(0)).err(),
        ] {
            assert!(
                matches!(&refused, Some(Refusal::InvalidInput(message)) if message.starts_with("field must")),
                "{refused:?}"
            );
        }
    }
}
