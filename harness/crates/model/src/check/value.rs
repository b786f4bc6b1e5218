//! Judges one value with a matcher.

use serde_json::Value;

use crate::scenario::model::Matcher;
use crate::scenario::template::{Scope, TemplateError};

use super::finding::{Finding, Message};
use super::{matcher, wording};

/// Judges a value with a matcher. `absence` explains why there is no value if `found` is `None`.
pub(super) fn value(
    label: String,
    wanted: &Matcher,
    found: Option<&Value>,
    absence: &str,
    scope: Scope<'_>,
) -> Finding {
    let filled = match matcher::fill(wanted, scope) {
        Ok(filled) => filled,
        Err(error) => return missing_variable(label, wanted, &error),
    };
    let expected = matcher::describe(&filled);
    let actual = found.map_or_else(|| absence.to_owned(), wording::value);
    match matcher::judge(&filled, found) {
        Ok(()) => Finding::new(true, label, expected, actual),
        Err(mismatch) => {
            let actual = match (&filled, found) {
                (Matcher::Equals(Value::String(wanted)), Some(Value::String(found))) => {
                    wording::difference(wanted, found)
                }
                _ => None,
            }
            .unwrap_or(actual);
            let mut finding = Finding::new(false, label, expected, actual);
            if let Some(detail) = mismatch.detail {
                finding.message = Message::Because(detail);
            }
            finding
        }
    }
}

/// Fails the check: a variable is only missing because an earlier response lacked its value.
pub(super) fn missing_variable(label: String, wanted: &Matcher, error: &TemplateError) -> Finding {
    let mut finding = Finding::new(false, label, matcher::describe(wanted), "not compared".to_owned());
    finding.message = Message::Said(error.to_string());
    finding
}
