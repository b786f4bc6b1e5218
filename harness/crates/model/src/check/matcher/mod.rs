//! Matchers: expanding variables, describing, judging.

mod judge;
mod kind;

use serde_json::Value;

use crate::scenario::model::Matcher;
use crate::scenario::template::{Scope, TemplateError, fill_pattern, fill_text, fill_value};

use super::wording;

pub(super) use judge::judge;

/// Expands the variables of a matcher. Equality with an absent value becomes [`Matcher::Absent`].
pub(super) fn fill(matcher: &Matcher, scope: Scope<'_>) -> Result<Matcher, TemplateError> {
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
        Matcher::Within(window) => Matcher::Within(fill_text(window, scope)?.unwrap_or_default()),
        Matcher::Line(line) => Matcher::Line(fill_text(line, scope)?.unwrap_or_default()),
        Matcher::Lines(lines) => {
            Matcher::Lines(lines.iter().map(|line| fill(line, scope)).collect::<Result<_, _>>()?)
        }
        Matcher::Type(_) | Matcher::Length(_) | Matcher::Above(_) | Matcher::Below(_) | Matcher::Absent => {
            matcher.clone()
        }
    })
}

/// Describes the expected value, as in "a number above 3".
pub(super) fn describe(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Equals(value) => wording::value(value),
        Matcher::Matches(pattern) => format!("text matching /{pattern}/"),
        Matcher::Type(kind) => kind::name(*kind).to_owned(),
        Matcher::OneOf(values) => wording::any_of(values),
        Matcher::Contains(Value::String(text)) => format!("a string or array containing `{text}`"),
        Matcher::Contains(value) => format!("an array containing {value}"),
        Matcher::Excludes(Value::String(text)) => format!("a string or array without `{text}`"),
        Matcher::Excludes(value) => format!("an array without {value}"),
        Matcher::Length(length) => format!("length {length}"),
        Matcher::Keys(keys) => format!("an object with exactly the keys {}", keys.join(", ")),
        Matcher::HasKeys(keys) => format!("an object with at least the keys {}", keys.join(", ")),
        Matcher::Above(bound) => format!("a number above {bound}"),
        Matcher::Below(bound) => format!("a number below {bound}"),
        Matcher::Within(window) => format!("a time within {window}"),
        Matcher::Not(inner) => match inner.as_ref() {
            Matcher::Absent => "any value".to_owned(),
            inner => format!("anything but {}", describe(inner)),
        },
        Matcher::Every(fields) => format!("an array in which every element has {}", describe_fields(fields)),
        Matcher::Some(fields) => format!("an array with an element that has {}", describe_fields(fields)),
        Matcher::Absent => "no value".to_owned(),
        Matcher::Line(line) => format!("text with the line `{line}`"),
        Matcher::Lines(lines) => {
            let lines: Vec<String> = lines.iter().map(describe).collect();
            format!("text with these lines in this order:\n{}", lines.join("\n"))
        }
    }
}

fn describe_fields(fields: &[(String, Matcher)]) -> String {
    fields
        .iter()
        .map(|(pointer, inner)| format!("{pointer} = {}", describe(inner)))
        .collect::<Vec<_>>()
        .join(" and ")
}
