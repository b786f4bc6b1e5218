//! Judges a value with a matcher.

use std::cmp::Ordering;

use serde_json::Value;

use crate::check::{pointer, table};
use crate::number;
use crate::scenario::model::Matcher;
use crate::scenario::moment;

use super::describe::describe;
use super::{kind, pattern};

/// Why a value does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Mismatch {
    /// An explanation where the value alone does not show it.
    pub(in crate::check) detail: Option<String>,
}

impl Mismatch {
    fn plain() -> Self {
        Self { detail: None }
    }

    fn because(detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()) }
    }
}

/// Judges a value, or its absence, with a matcher whose variables are expanded.
pub(in crate::check) fn judge(matcher: &Matcher, found: Option<&Value>) -> Result<(), Mismatch> {
    let require = |is_met: bool| if is_met { Ok(()) } else { Err(Mismatch::plain()) };
    if let Matcher::Absent = matcher {
        return require(found.is_none());
    }
    // An absent value meets no other matcher: `not = 5` would pass falsely.
    let Some(found) = found else { return Err(Mismatch::plain()) };
    match matcher {
        Matcher::Equals(wanted) => equal(wanted, found),
        Matcher::Matches(pattern) => {
            let regex = pattern::compiled(pattern).map_err(|error| {
                Mismatch::because(format!("invalid regular expression /{pattern}/: {error}"))
            })?;
            require(text(found)?.is_some_and(|text| regex.is_match(text)))
        }
        Matcher::Type(wanted) => require(kind::is(*wanted, found)),
        Matcher::OneOf(values) => require(values.iter().any(|value| number::equal(value, found))),
        Matcher::Contains(wanted) => require(contains(found, wanted)?),
        Matcher::Excludes(wanted) => require(!contains(found, wanted)?),
        Matcher::Length(wanted) => length(found, *wanted),
        Matcher::Keys(wanted) => keys(found, wanted, true),
        Matcher::HasKeys(wanted) => keys(found, wanted, false),
        Matcher::Above(bound) => {
            let bound = bound_of(bound)?;
            require(number::compare(found, bound) == Some(Ordering::Greater))
        }
        Matcher::Below(bound) => {
            let bound = bound_of(bound)?;
            require(number::compare(found, bound) == Some(Ordering::Less))
        }
        Matcher::Within(window) => {
            moment::within(window, found).map_err(|error| Mismatch::because(error.to_string()))
        }
        Matcher::Not(inner) => require(judge(inner, Some(found)).is_err()),
        Matcher::Every(fields) => every(found, fields),
        Matcher::Some(fields) => some(found, fields),
        Matcher::Line(wanted) => {
            require(text(found)?.is_some_and(|text| text.lines().any(|line| line == wanted)))
        }
        Matcher::Lines(wanted) => lines(text(found)?.unwrap_or_default(), wanted),
        Matcher::Table(columns) => row(text(found)?.unwrap_or_default(), columns),
        Matcher::Absent => Err(Mismatch::plain()),
    }
}

fn equal(wanted: &Value, found: &Value) -> Result<(), Mismatch> {
    if number::equal(wanted, found) {
        return Ok(());
    }
    let is_text = |value: &Value| value.is_string() && !number::is_number(value);
    let detail = match (wanted, found) {
        (wanted, found) if number::is_number(wanted) && is_text(found) => Some("it is a string"),
        (Value::Bool(_), found) if is_text(found) => Some("it is a string"),
        (wanted, found) if is_text(wanted) && number::is_number(found) => Some("it is a number"),
        _ => None,
    };
    Err(Mismatch { detail: detail.map(str::to_owned) })
}

fn text(found: &Value) -> Result<Option<&str>, Mismatch> {
    let text = found.as_str().filter(|_| !number::is_number(found));
    text.map(Some).ok_or_else(|| Mismatch::because("it is not a string"))
}

/// Returns the number of a bound, which may have been a variable.
fn bound_of(bound: &Value) -> Result<f64, Mismatch> {
    bound.as_f64().ok_or_else(|| Mismatch::because(format!("the bound is no number: {bound}")))
}

fn contains(found: &Value, wanted: &Value) -> Result<bool, Mismatch> {
    match (found, wanted) {
        (found, _) if number::is_number(found) => {
            Err(Mismatch::because("it is neither a string nor an array"))
        }
        (Value::String(found), Value::String(wanted)) => Ok(found.contains(wanted)),
        (Value::Array(items), wanted) => Ok(items.iter().any(|item| number::equal(item, wanted))),
        (Value::String(_), _) => Err(Mismatch::because("a string can only contain a string")),
        _ => Err(Mismatch::because("it is neither a string nor an array")),
    }
}

fn length(found: &Value, wanted: usize) -> Result<(), Mismatch> {
    let length = match found {
        found if number::is_number(found) => return Err(Mismatch::because("it has no length")),
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        Value::String(text) => text.chars().count(),
        _ => return Err(Mismatch::because("it has no length")),
    };
    if length == wanted { Ok(()) } else { Err(Mismatch::because(format!("its length is {length}"))) }
}

fn keys(found: &Value, wanted: &[String], is_exact: bool) -> Result<(), Mismatch> {
    let Some(fields) = found.as_object() else { return Err(Mismatch::because("it is not an object")) };
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
    if problems.is_empty() { Ok(()) } else { Err(Mismatch::because(problems.join("; "))) }
}

fn elements(found: &Value) -> Result<&Vec<Value>, Mismatch> {
    found.as_array().ok_or_else(|| Mismatch::because("it is not an array"))
}

/// Describes the first field of an element that does not match.
fn mismatch(element: &Value, fields: &[(String, Matcher)]) -> Option<String> {
    fields.iter().find_map(|(pointer, matcher)| {
        let found = pointer::resolve(element, pointer);
        judge(matcher, found).err().map(|_| {
            let actual = found.map_or_else(|| "no value".to_owned(), number::json_text);
            let label = if pointer.is_empty() { "element" } else { pointer };
            format!("{label}: expected {}, got {actual}", describe(matcher))
        })
    })
}

fn every(found: &Value, fields: &[(String, Matcher)]) -> Result<(), Mismatch> {
    let elements = elements(found)?;
    if elements.is_empty() {
        return Err(Mismatch::because("it is empty"));
    }
    for (index, element) in elements.iter().enumerate() {
        if let Some(mismatch) = mismatch(element, fields) {
            return Err(Mismatch::because(format!("element {index}: {mismatch}")));
        }
    }
    Ok(())
}

fn some(found: &Value, fields: &[(String, Matcher)]) -> Result<(), Mismatch> {
    let elements = elements(found)?;
    if elements.iter().any(|element| mismatch(element, fields).is_none()) {
        return Ok(());
    }
    Err(Mismatch::because(match elements.as_slice() {
        [] => "it is empty".to_owned(),
        [only] => mismatch(only, fields).unwrap_or_default(),
        elements => format!("none of its {} elements matches", elements.len()),
    }))
}

/// Finds matching lines in this order; other lines in between are allowed.
fn lines(found: &str, wanted: &[Matcher]) -> Result<(), Mismatch> {
    let mut lines = found.lines();
    let mut previous: Option<&str> = None;
    for matcher in wanted {
        let next =
            lines.by_ref().find(|line| judge(matcher, Some(&Value::String((*line).to_owned()))).is_ok());
        match next {
            Some(line) => previous = Some(line),
            None => {
                let after = previous.map(|line| format!(" after `{line}`")).unwrap_or_default();
                return Err(Mismatch::because(format!("missing line{after}: {}", describe(matcher))));
            }
        }
    }
    Ok(())
}

/// Finds a row of a table whose cells match.
fn row(found: &str, columns: &[(String, Matcher)]) -> Result<(), Mismatch> {
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| heading.as_str()).collect();
    let Some(rows) = table::rows(found, &headings) else {
        let reason = format!("no line has the headings {} in this order", headings.join(", "));
        return Err(Mismatch::because(reason));
    };
    let matches =
        |(matcher, cell): (&Matcher, &String)| judge(matcher, Some(&Value::String(cell.clone()))).is_ok();
    let count = |row: &table::TableRow<'_>| {
        let cells = columns.iter().map(|(_, matcher)| matcher).zip(&row.cells);
        cells.filter(|cell| !matches(*cell)).count()
    };
    let wrong = |row: &table::TableRow<'_>| -> Vec<String> {
        let cells = columns.iter().zip(&row.cells);
        let wrong = cells.filter_map(|((heading, matcher), cell)| {
            let mismatch = judge(matcher, Some(&Value::String(cell.clone()))).err()?;
            let detail = mismatch.detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
            Some(format!("{heading}: expected {}, got `{cell}`{detail}", describe(matcher)))
        });
        wrong.collect()
    };
    // Only what is said of the closest row is put into words.
    let closest = rows.iter().min_by_key(|row| count(row)).map(|row| (row, wrong(row)));
    match closest {
        None => Err(Mismatch::because("the table has no rows")),
        Some((_, wrong)) if wrong.is_empty() => Ok(()),
        Some((row, wrong)) => Err(Mismatch::because(format!(
            "no row matches; the closest is `{}`: {}",
            row.line.trim(),
            wrong.join("; ")
        ))),
    }
}
