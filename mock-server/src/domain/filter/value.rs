//! The values that conditions compare with, and the two list notations.

use std::fmt;

use super::{Column, FilterError, Kind, excerpt};
use crate::domain::Timestamp;

/// A value of its column's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// Contains no NUL.
    Text(String),
    Integer(i64),
    Boolean(bool),
    Time(Timestamp),
}

impl Scalar {
    /// # Errors
    /// [`FilterError::Value`], which names the expected kind.
    pub fn parse(column: &'static Column, text: &str) -> Result<Self, FilterError> {
        let parsed = match column.kind {
            Kind::Integer => text.parse().ok().map(Self::Integer),
            Kind::Boolean => text.parse().ok().map(Self::Boolean),
            Kind::Time => parse_time(text).map(Self::Time),
            Kind::Text | Kind::List | Kind::Json => {
                (!text.contains('\0')).then(|| Self::Text(text.to_owned()))
            }
        };
        parsed.ok_or_else(|| invalid_value(column, text))
    }

    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Boolean(flag) => write!(out, "{flag}"),
            Self::Time(moment) => write!(out, "{moment}"),
        }
    }
}

/// Splits a list such as `(a,"b,c")` or `{a,b}` into its elements. Inside double quotes, a backslash escapes the next
/// character. Returns `None` if a delimiter is missing or text follows a closing quote.
pub(super) fn elements(text: &str, open: char, close: char) -> Option<Vec<String>> {
    let inner = text.strip_prefix(open)?.strip_suffix(close)?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let mut elements = Vec::new();
    let mut rest = inner;
    loop {
        let (element, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (element, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                if element.contains([open, close]) {
                    return None;
                }
                (element.to_owned(), after)
            }
        };
        elements.push(element);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(elements),
            None => return None,
        }
    }
}

/// Quotes an element so that [`elements`] reads it back.
pub(super) fn quoted(element: &str) -> String {
    format!("\"{}\"", element.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn invalid_value(column: &'static Column, text: &str) -> FilterError {
    let expected = match column.kind {
        Kind::Integer => "a whole number",
        Kind::Boolean => "true or false",
        Kind::Time => "a time (2026-03-17T10:00:00Z or 2026-03-17)",
        Kind::Text | Kind::List | Kind::Json => "text without NUL",
    };
    FilterError::Value { column: column.name, expected, value: excerpt(text) }
}

pub(super) fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((element, text.get(at + 1..)?)),
            '\\' => element.push(characters.next()?.1),
            other => element.push(other),
        }
    }
    None
}

/// Parses RFC 3339, or a date alone as midnight UTC. Restores a `+` that form decoding turned into a space.
fn parse_time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(&text.replace(' ', "+")).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
}
