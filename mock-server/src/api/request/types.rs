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
use crate::domain::text;

/// The maximum length of a text in characters, unless its field has a lower one.
pub(in crate::api) const MAX_TEXT_LEN: usize = 1024;

/// Matches text without control characters.
pub(in crate::api) const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// Matches text without control characters that is not blank.
pub(in crate::api) const PRINTABLE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// The characters that [`text::check`] refuses.
macro_rules! hidden {
    () => {
        concat!(
            r"\u0000-\u001f\u007f-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5",
            r"\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffc",
            r"\ufffe\uffff",
            // Patterns have no escape for these that all readers know.
            "\u{110bd}\u{110cd}\u{13430}-\u{1345f}\u{16fe4}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}",
            "\u{1fffe}\u{1ffff}\u{2fffe}\u{2ffff}\u{3fffe}\u{3ffff}\u{4fffe}\u{4ffff}\u{5fffe}\u{5ffff}\u{6fffe}\u{6ffff}",
            "\u{7fffe}\u{7ffff}\u{8fffe}\u{8ffff}\u{9fffe}\u{9ffff}\u{afffe}\u{affff}\u{bfffe}\u{bffff}\u{cfffe}\u{cffff}",
            "\u{dfffe}\u{dffff}\u{e0000}-\u{e0fff}\u{efffe}\u{effff}\u{ffffe}\u{fffff}\u{10fffe}\u{10ffff}"
        )
    };
}

/// Matches text that [`text::check`] accepts.
pub(in crate::api) const SHOWN: &str = concat!("^[^", hidden!(), "]*$");

/// Matches text that [`text::check`] accepts and that shows something.
pub(in crate::api) const VISIBLE: &str =
    concat!("^[^", hidden!(), r"]*[^\s\u200c\u200d\ufe00-\ufe0f", hidden!(), "][^", hidden!(), "]*$");

const TAG: &str = r"^(tag:)?[A-Za-z0-9_.-]{1,63}$";

/// Typical networks: IPv4, and IPv6 in lower case.
const NETWORK: &str = concat!(
    r"^(((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])",
    r"/(3[0-2]|[12]?[0-9])",
    r"|(([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|([0-9a-f]{1,4}:){1,6}:)/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"
);

/// Text that hides and reorders nothing ([`text::check`]).
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
        let text = plain(field, value)?;
        text::check(field, &text)?;
        Ok(Self(text))
    }

    fn schema() -> Schema {
        string(SHOWN, 0, MAX_TEXT_LEN).into()
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
        string(PLAIN, 0, MAX_TEXT_LEN).into()
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
        name::normalise(field, &plain(field, value)?).map(Self)
    }

    fn schema() -> Schema {
        string(VISIBLE, 1, name::MAX_NAME_LEN).into()
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

    /// The patterns of the OpenAPI document say what the rules do.
    #[test]
    fn patterns_and_rules_agree() {
        let (shown, visible) = (regex::Regex::new(SHOWN).unwrap(), regex::Regex::new(VISIBLE).unwrap());
        for character in '\0'..=char::MAX {
            let mut bytes = [0; 4];
            let text = &*character.encode_utf8(&mut bytes);
            let accepted = text::check("f", text).is_ok();
            assert_eq!(shown.is_match(text), accepted, "{character:?}");
            assert_eq!(visible.is_match(text), text::normalise_name("f", text, 9).is_ok(), "{character:?}");
        }
    }

    #[test]
    fn refusals_name_the_field() {
        for refused in [
            Text::parse("field", &json!(1)).err(),
            Text::parse("field", &json!("a\u{0}b")).err(),
            Text::parse("field", &json!("a\u{202e}b")).err(),
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
