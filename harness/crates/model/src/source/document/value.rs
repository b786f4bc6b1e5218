use toml::Spanned;
use toml::de::DeValue;

use crate::source::Span;

use super::diagnostics::Diagnostics;

/// A TOML value with its span.
pub type Value<'i> = Spanned<DeValue<'i>>;

/// A string of a document and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpannedText<'a> {
    pub text: &'a str,
    pub span: Span,
}

pub fn string<'a>(key: &str, value: &'a Value<'_>, report: &mut Diagnostics) -> Option<SpannedText<'a>> {
    let found = value.get_ref().as_str();
    if found.is_none() {
        wrong_type(key, "a string", value, report);
    }
    Some(SpannedText { text: found?, span: value.span() })
}

pub(super) fn integer_in<T: TryFrom<i64>>(
    key: &str,
    value: &Value<'_>,
    range: &str,
    report: &mut Diagnostics,
) -> Option<T> {
    let Some(integer) = value.get_ref().as_integer() else {
        wrong_type(key, "an integer", value, report);
        return None;
    };
    let number = i64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .and_then(|number| T::try_from(number).ok());
    if number.is_none() {
        report.error(value.span(), format!("`{key}` must be {range}, found {integer}"));
    }
    number
}

pub(super) fn wrong_type(key: &str, expected: &str, value: &Value<'_>, report: &mut Diagnostics) {
    let found = match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    report.error(value.span(), format!("`{key}` must be {expected}, found {found}"));
}
