use serde_json::Value;

use crate::check::wording;
use crate::number;
use crate::scenario::model::Matcher;

use super::kind;

/// Describes the expected value, as in "a number above 3".
pub(in crate::check) fn describe(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Equals(value) => wording::value(value),
        Matcher::Matches(pattern) => format!("text matching /{pattern}/"),
        Matcher::Type(kind) => kind::name(*kind).to_owned(),
        Matcher::OneOf(values) => wording::any_of(&values.iter().map(number::json_text).collect::<Vec<_>>()),
        Matcher::Contains(Value::String(text)) => format!("a string or array containing `{text}`"),
        Matcher::Contains(value) => format!("an array containing {}", number::json_text(value)),
        Matcher::Excludes(Value::String(text)) => format!("a string or array without `{text}`"),
        Matcher::Excludes(value) => format!("an array without {}", number::json_text(value)),
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
        Matcher::Table(columns) => format!("a table with a row that has {}", describe_fields(columns)),
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
