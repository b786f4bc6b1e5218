//! Values against matchers.

mod judge;
mod kind;

use serde_json::Value;

use crate::scenario::model::Matcher;
use crate::scenario::template::{Scope, TemplateError, fill_pattern, fill_text, fill_value};

use super::wording;

pub(super) use judge::judge;

/// The matcher with its variables filled in. What is equal to something absent is absent.
pub(super) fn fill(matcher: &Matcher, scope: Scope<'_>) -> Result<Matcher, TemplateError> {
    let value = |value: &Value| fill_value(value, scope);
    let texts = |texts: &[String]| -> Result<Vec<String>, TemplateError> {
        texts.iter().filter_map(|text| fill_text(text, scope).transpose()).collect()
    };
    let places = |places: &[(String, Matcher)]| -> Result<Vec<(String, Matcher)>, TemplateError> {
        places.iter().map(|(place, inner)| Ok((place.clone(), fill(inner, scope)?))).collect()
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
        Matcher::Every(inner) => Matcher::Every(places(inner)?),
        Matcher::Some(inner) => Matcher::Some(places(inner)?),
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

/// What the matcher wants, in words: "text that contains `x`".
pub(super) fn describe(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Equals(value) => wording::value(value),
        Matcher::Matches(pattern) => format!("text that matches /{pattern}/"),
        Matcher::Type(kind) => kind::name(*kind).to_owned(),
        Matcher::OneOf(values) => wording::any_of(values),
        Matcher::Contains(Value::String(text)) => format!("something that contains `{text}`"),
        Matcher::Contains(value) => format!("an array that contains {value}"),
        Matcher::Excludes(Value::String(text)) => format!("something that does not contain `{text}`"),
        Matcher::Excludes(value) => format!("an array that does not contain {value}"),
        Matcher::Length(length) => format!("of length {length}"),
        Matcher::Keys(keys) => format!("an object with these keys and no other: {}", keys.join(", ")),
        Matcher::HasKeys(keys) => format!("an object with at least these keys: {}", keys.join(", ")),
        Matcher::Above(bound) => format!("a number above {bound}"),
        Matcher::Below(bound) => format!("a number below {bound}"),
        Matcher::Within(window) => format!("a time within {window}"),
        Matcher::Not(inner) => match inner.as_ref() {
            Matcher::Absent => "there".to_owned(),
            inner => format!("anything but {}", describe(inner)),
        },
        Matcher::Every(places) => format!("an array whose every element has {}", describe_places(places)),
        Matcher::Some(places) => format!("an array with an element that has {}", describe_places(places)),
        Matcher::Absent => "absent".to_owned(),
        Matcher::Line(line) => format!("text with the line `{line}`"),
        Matcher::Lines(lines) => {
            let lines: Vec<String> = lines.iter().map(describe).collect();
            format!("text with these lines in this order:\n{}", lines.join("\n"))
        }
    }
}

fn describe_places(places: &[(String, Matcher)]) -> String {
    places
        .iter()
        .map(|(place, inner)| format!("{place} = {}", describe(inner)))
        .collect::<Vec<_>>()
        .join(" and ")
}
