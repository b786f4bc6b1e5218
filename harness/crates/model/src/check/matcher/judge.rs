//! Judges a value with a matcher.

use regex::Regex;
use serde_json::Value;

use crate::check::place;
use crate::scenario::model::Matcher;
use crate::scenario::moment;

use super::{describe, kind};

/// Judges a value, or its absence, with a matcher whose variables are expanded.
///
/// # Errors
/// The value does not match. The text explains why where the value alone does not show it.
pub(in crate::check) fn judge(matcher: &Matcher, found: Option<&Value>) -> Result<(), Option<String>> {
    let require = |is_met: bool| if is_met { Ok(()) } else { Err(None) };
    if let Matcher::Absent = matcher {
        return require(found.is_none());
    }
    // An absent value meets no other matcher: `not = 5` would pass falsely.
    let Some(found) = found else { return Err(None) };
    match matcher {
        Matcher::Equals(wanted) => equal(wanted, found),
        Matcher::Matches(pattern) => {
            let regex = Regex::new(pattern)
                .map_err(|error| Some(format!("invalid regular expression /{pattern}/: {error}")))?;
            require(text(found)?.is_some_and(|text| regex.is_match(text)))
        }
        Matcher::Type(wanted) => require(kind::is(*wanted, found)),
        Matcher::OneOf(values) => require(values.contains(found)),
        Matcher::Contains(wanted) => require(contains(found, wanted)?),
        Matcher::Excludes(wanted) => require(!contains(found, wanted)?),
        Matcher::Length(wanted) => length(found, *wanted),
        Matcher::Keys(wanted) => keys(found, wanted, true),
        Matcher::HasKeys(wanted) => keys(found, wanted, false),
        Matcher::Above(bound) => require(found.as_f64().is_some_and(|number| number > *bound)),
        Matcher::Below(bound) => require(found.as_f64().is_some_and(|number| number < *bound)),
        Matcher::Within(window) => moment::within(window, found),
        Matcher::Not(inner) => require(judge(inner, Some(found)).is_err()),
        Matcher::Every(fields) => every(found, fields),
        Matcher::Some(fields) => some(found, fields),
        Matcher::Line(wanted) => {
            require(text(found)?.is_some_and(|text| text.lines().any(|line| line == wanted)))
        }
        Matcher::Lines(wanted) => lines(text(found)?.unwrap_or_default(), wanted),
        Matcher::Absent => Err(None),
    }
}

fn equal(wanted: &Value, found: &Value) -> Result<(), Option<String>> {
    if wanted == found {
        return Ok(());
    }
    let detail = match (wanted, found) {
        (Value::Number(_), Value::String(_)) | (Value::Bool(_), Value::String(_)) => Some("it is a string"),
        (Value::String(_), Value::Number(_)) => Some("it is a number"),
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {
            Some("an integer is not equal to a float")
        }
        _ => None,
    };
    Err(detail.map(str::to_owned))
}

fn text(found: &Value) -> Result<Option<&str>, Option<String>> {
    found.as_str().map(Some).ok_or_else(|| Some("it is not a string".to_owned()))
}

fn contains(found: &Value, wanted: &Value) -> Result<bool, Option<String>> {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => Ok(found.contains(wanted)),
        (Value::Array(items), wanted) => Ok(items.contains(wanted)),
        (Value::String(_), _) => Err(Some("a string can only contain a string".to_owned())),
        _ => Err(Some("it is neither a string nor an array".to_owned())),
    }
}

fn length(found: &Value, wanted: usize) -> Result<(), Option<String>> {
    let length = match found {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        Value::String(text) => text.chars().count(),
        _ => return Err(Some("it has no length".to_owned())),
    };
    if length == wanted { Ok(()) } else { Err(Some(format!("its length is {length}"))) }
}

fn keys(found: &Value, wanted: &[String], is_exact: bool) -> Result<(), Option<String>> {
    let Some(fields) = found.as_object() else { return Err(Some("it is not an object".to_owned())) };
    let missing: Vec<&str> =
        wanted.iter().map(String::as_str).filter(|key| !fields.contains_key(*key)).collect();
    let surplus: Vec<&str> = fields
        .keys()
        .map(String::as_str)
        .filter(|key| is_exact && !wanted.iter().any(|known| known == key))
        .collect();
    let mut problems = Vec::new();
    if !missing.is_empty() {
        problems.push(format!("missing {}", missing.join(", ")));
    }
    if !surplus.is_empty() {
        problems.push(format!("unexpected {}", surplus.join(", ")));
    }
    if problems.is_empty() { Ok(()) } else { Err(Some(problems.join("; "))) }
}

fn elements(found: &Value) -> Result<&Vec<Value>, Option<String>> {
    found.as_array().ok_or_else(|| Some("it is not an array".to_owned()))
}

/// Describes the first field of an element that does not match.
fn mismatch(element: &Value, fields: &[(String, Matcher)]) -> Option<String> {
    fields.iter().find_map(|(pointer, matcher)| {
        let found = place::resolve(element, pointer);
        judge(matcher, found).err().map(|_| {
            let actual = found.map_or_else(|| "no value".to_owned(), Value::to_string);
            let label = if pointer.is_empty() { "element" } else { pointer };
            format!("{label}: expected {}, got {actual}", describe(matcher))
        })
    })
}

fn every(found: &Value, fields: &[(String, Matcher)]) -> Result<(), Option<String>> {
    let elements = elements(found)?;
    if elements.is_empty() {
        return Err(Some("it is empty".to_owned()));
    }
    for (index, element) in elements.iter().enumerate() {
        if let Some(mismatch) = mismatch(element, fields) {
            return Err(Some(format!("element {index}: {mismatch}")));
        }
    }
    Ok(())
}

fn some(found: &Value, fields: &[(String, Matcher)]) -> Result<(), Option<String>> {
    let elements = elements(found)?;
    if elements.iter().any(|element| mismatch(element, fields).is_none()) {
        return Ok(());
    }
    Err(Some(match elements.as_slice() {
        [] => "it is empty".to_owned(),
        [only] => mismatch(only, fields).unwrap_or_default(),
        elements => format!("none of its {} elements matches", elements.len()),
    }))
}

/// Finds matching lines in this order; other lines in between are allowed.
fn lines(found: &str, wanted: &[Matcher]) -> Result<(), Option<String>> {
    let mut lines = found.lines();
    let mut previous: Option<&str> = None;
    for matcher in wanted {
        let next =
            lines.by_ref().find(|line| judge(matcher, Some(&Value::String((*line).to_owned()))).is_ok());
        match next {
            Some(line) => previous = Some(line),
            None => {
                let after = previous.map(|line| format!(" after `{line}`")).unwrap_or_default();
                return Err(Some(format!("missing line{after}: {}", describe(matcher))));
            }
        }
    }
    Ok(())
}
