//! Whether a value is as a matcher wants it.

use regex::Regex;
use serde_json::Value;

use crate::check::place;
use crate::scenario::model::Matcher;
use crate::scenario::moment;

use super::{describe, kind};

/// Whether what was found, if anything, matches; variables are filled in already.
///
/// # Errors
/// It does not; with more about it where the value alone does not tell.
pub(in crate::check) fn judge(matcher: &Matcher, found: Option<&Value>) -> Result<(), Option<String>> {
    let holds = |holds: bool| if holds { Ok(()) } else { Err(None) };
    if let Matcher::Absent = matcher {
        return holds(found.is_none());
    }
    // What is not there satisfies nothing else: "not 5" of a missing value would be a false pass.
    let Some(found) = found else { return Err(None) };
    match matcher {
        Matcher::Equals(wanted) => equal(wanted, found),
        Matcher::Matches(pattern) => {
            let regex = Regex::new(pattern)
                .map_err(|error| Some(format!("/{pattern}/ does not compile: {error}")))?;
            holds(text(found)?.is_some_and(|text| regex.is_match(text)))
        }
        Matcher::Type(wanted) => holds(kind::is(*wanted, found)),
        Matcher::OneOf(values) => holds(values.contains(found)),
        Matcher::Contains(wanted) => holds(contains(found, wanted)?),
        Matcher::Excludes(wanted) => holds(!contains(found, wanted)?),
        Matcher::Length(wanted) => length(found, *wanted),
        Matcher::Keys(wanted) => keys(found, wanted, true),
        Matcher::HasKeys(wanted) => keys(found, wanted, false),
        Matcher::Above(bound) => holds(found.as_f64().is_some_and(|number| number > *bound)),
        Matcher::Below(bound) => holds(found.as_f64().is_some_and(|number| number < *bound)),
        Matcher::Within(window) => moment::within(window, found),
        Matcher::Not(inner) => holds(judge(inner, Some(found)).is_err()),
        Matcher::Every(places) => every(found, places),
        Matcher::Some(places) => some(found, places),
        Matcher::Line(wanted) => {
            holds(text(found)?.is_some_and(|text| text.lines().any(|line| line == wanted)))
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
        (Value::Number(_), Value::String(_)) | (Value::Bool(_), Value::String(_)) => Some("it is text"),
        (Value::String(_), Value::Number(_)) => Some("it is a number"),
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {
            Some("one is a fraction, the other an integer")
        }
        _ => None,
    };
    Err(detail.map(str::to_owned))
}

/// The text of a value.
fn text(found: &Value) -> Result<Option<&str>, Option<String>> {
    found.as_str().map(Some).ok_or_else(|| Some("it is not text".to_owned()))
}

fn contains(found: &Value, wanted: &Value) -> Result<bool, Option<String>> {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => Ok(found.contains(wanted)),
        (Value::Array(items), wanted) => Ok(items.contains(wanted)),
        (Value::String(_), _) => Err(Some("text contains only text".to_owned())),
        _ => Err(Some("it is neither text nor an array".to_owned())),
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

fn keys(found: &Value, wanted: &[String], no_other: bool) -> Result<(), Option<String>> {
    let Some(fields) = found.as_object() else { return Err(Some("it is not an object".to_owned())) };
    let missing: Vec<&str> =
        wanted.iter().map(String::as_str).filter(|key| !fields.contains_key(*key)).collect();
    let surplus: Vec<&str> = fields
        .keys()
        .map(String::as_str)
        .filter(|key| no_other && !wanted.iter().any(|known| known == key))
        .collect();
    let mut complaints = Vec::new();
    if !missing.is_empty() {
        complaints.push(format!("it lacks {}", missing.join(", ")));
    }
    if !surplus.is_empty() {
        complaints.push(format!("it has {} too", surplus.join(", ")));
    }
    if complaints.is_empty() { Ok(()) } else { Err(Some(complaints.join(" and "))) }
}

fn elements(found: &Value) -> Result<&Vec<Value>, Option<String>> {
    found.as_array().ok_or_else(|| Some("it is not an array".to_owned()))
}

/// The first place of an element that does not match.
fn mismatch(element: &Value, places: &[(String, Matcher)]) -> Option<String> {
    places.iter().find_map(|(at, matcher)| {
        let found = place::resolve(element, at);
        judge(matcher, found).err().map(|_| {
            let actual = found.map_or_else(|| "not there".to_owned(), Value::to_string);
            let at = if at.is_empty() { "it" } else { at };
            format!("{at} should be {}, but is {actual}", describe(matcher))
        })
    })
}

fn every(found: &Value, places: &[(String, Matcher)]) -> Result<(), Option<String>> {
    let elements = elements(found)?;
    if elements.is_empty() {
        return Err(Some("it is empty".to_owned()));
    }
    for (index, element) in elements.iter().enumerate() {
        if let Some(mismatch) = mismatch(element, places) {
            return Err(Some(format!("element {index}: {mismatch}")));
        }
    }
    Ok(())
}

fn some(found: &Value, places: &[(String, Matcher)]) -> Result<(), Option<String>> {
    let elements = elements(found)?;
    if elements.iter().any(|element| mismatch(element, places).is_none()) {
        return Ok(());
    }
    Err(Some(match elements.as_slice() {
        [] => "it is empty".to_owned(),
        [only] => mismatch(only, places).unwrap_or_default(),
        elements => format!("none of its {} elements does", elements.len()),
    }))
}

/// The wanted lines in this order; others may stand between.
fn lines(found: &str, wanted: &[Matcher]) -> Result<(), Option<String>> {
    let mut lines = found.lines();
    let mut after = "at the start".to_owned();
    for matcher in wanted {
        let next =
            lines.by_ref().find(|line| judge(matcher, Some(&Value::String((*line).to_owned()))).is_ok());
        match next {
            Some(line) => after = format!("after `{line}`"),
            None => return Err(Some(format!("{after} there is no line that is {}", describe(matcher)))),
        }
    }
    Ok(())
}
