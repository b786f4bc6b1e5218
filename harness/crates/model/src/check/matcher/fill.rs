//! Expands the variables of matchers.

use serde_json::Value;

use crate::scenario::model::Matcher;
use crate::scenario::template::{Scope, TemplateError, fill_pattern, fill_text, fill_value};

/// Expands the variables of a matcher. Equality with an absent value becomes [`Matcher::Absent`].
pub(in crate::check) fn fill(matcher: &Matcher, scope: Scope<'_>) -> Result<Matcher, TemplateError> {
    let value = |value: &Value| fill_value(value, scope);
    let texts = |texts: &[String]| -> Result<Vec<String>, TemplateError> {
        texts.iter().filter_map(|text| fill_text(text, scope).transpose()).collect()
    };
    let fields = |fields: &[(String, Matcher)]| -> Result<Vec<(String, Matcher)>, TemplateError> {
        fields.iter().map(|(pointer, inner)| Ok((pointer.clone(), fill(inner, scope)?))).collect()
    };
    Ok(match matcher {
        Matcher::Equals(wanted) => value(wanted)?.map_or(Matcher::Absent, Matcher::Equals),
        Matcher::Matches(pattern) => Matcher::Matches(fill_pattern(pattern, scope)?),
        Matcher::OneOf(values) => {
            let values: Result<Vec<Value>, _> =
                values.iter().filter_map(|item| value(item).transpose()).collect();
            Matcher::OneOf(values?)
        }
        Matcher::Contains(wanted) => Matcher::Contains(value(wanted)?.unwrap_or_default()),
        Matcher::Excludes(wanted) => Matcher::Excludes(value(wanted)?.unwrap_or_default()),
        Matcher::Keys(keys) => Matcher::Keys(texts(keys)?),
        Matcher::HasKeys(keys) => Matcher::HasKeys(texts(keys)?),
        Matcher::Not(inner) => Matcher::Not(Box::new(fill(inner, scope)?)),
        Matcher::Every(inner) => Matcher::Every(fields(inner)?),
        Matcher::Some(inner) => Matcher::Some(fields(inner)?),
        Matcher::Table(columns) => Matcher::Table(fields(columns)?),
        Matcher::Within(window) => Matcher::Within(fill_text(window, scope)?.unwrap_or_default()),
        Matcher::Line(line) => Matcher::Line(fill_text(line, scope)?.unwrap_or_default()),
        Matcher::Lines(lines) => {
            Matcher::Lines(lines.iter().map(|line| fill(line, scope)).collect::<Result<_, _>>()?)
        }
        Matcher::Above(bound) => Matcher::Above(value(bound)?.unwrap_or_default()),
        Matcher::Below(bound) => Matcher::Below(value(bound)?.unwrap_or_default()),
        Matcher::Type(_) | Matcher::Length(_) | Matcher::Absent => matcher.clone(),
    })
}
