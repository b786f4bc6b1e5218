use std::fmt;

use thiserror::Error;

/// The maximum number of values in one query, well below what databases can bind.
pub const MAX_VALUES: usize = 500;
/// The maximum number of conditions in one query: each is evaluated for every row.
pub const MAX_CONDITIONS: usize = 32;
/// The maximum number of conditions `like`, `ilike` and `cs` in one query, which cost most.
pub const MAX_SEARCHES: usize = 8;
/// The maximum number of columns in `select` and in `order`.
pub const MAX_COLUMNS: usize = 32;

/// The reason why a query is invalid. Each message names what was received and what is valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterError {
    #[error("unknown column '{column}' of {table}: the columns are {valid}")]
    UnknownColumn { table: &'static str, column: String, valid: String },
    #[error(
        "unknown operator '{operator}' for column '{column}': it supports {valid} (write a value that contains a dot as {column}=eq.VALUE)"
    )]
    UnknownOperator { column: &'static str, operator: String, valid: String },
    #[error("invalid value '{value}' for column '{column}': expected {expected}")]
    Value { column: &'static str, expected: &'static str, value: String },
    #[error("invalid value '{value}' for '{parameter}': expected {expected}")]
    Parameter { parameter: &'static str, expected: &'static str, value: String },
    #[error("'{0}' was given twice")]
    RepeatedParameter(&'static str),
    #[error("too many values: a query compares with at most {MAX_VALUES}")]
    TooManyValues,
    #[error("too many conditions: a query has at most {MAX_CONDITIONS}")]
    TooManyConditions,
    #[error("too many searches: a query has at most {MAX_SEARCHES} conditions like, ilike and cs")]
    TooManySearches,
    #[error("too many columns in '{0}': at most {MAX_COLUMNS}")]
    TooManyColumns(&'static str),
}

/// How many characters of the received text a message repeats.
const MAX_QUOTED_LEN: usize = 60;

/// Shortens received text for a message and replaces control characters.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String =
        text.chars().take(MAX_QUOTED_LEN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MAX_QUOTED_LEN).is_some() {
        short.push('…');
    }
    short
}

pub(super) fn comma_separated<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
