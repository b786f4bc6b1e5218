//! Why a query is refused, and how a message repeats what came.

use std::fmt;

use thiserror::Error;

/// The most values one query may compare with: far above what anyone writes, far below what a database binds.
pub const MAX_VALUES: usize = 500;

/// Why a query was refused. Each message says what came and what would have been understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterError {
    /// The table has no such column, or none that may be read.
    #[error("unknown column '{column}' of {table}: the columns are {valid}")]
    UnknownColumn {
        /// The table asked.
        table: &'static str,
        /// What came.
        column: String,
        /// The columns that there are.
        valid: String,
    },
    /// No such operator, or none for a column of this kind.
    #[error(
        "unknown operator '{operator}' for column '{column}': it takes {valid} (a value with a dot in it is written {column}=eq.VALUE)"
    )]
    UnknownOperator {
        /// The column it stood at.
        column: &'static str,
        /// What came.
        operator: String,
        /// The operators that the column takes.
        valid: String,
    },
    /// A value that is none of the column's kind.
    #[error("column '{column}' is compared with {expected}, not with '{value}'")]
    Value {
        /// The column it stood at.
        column: &'static str,
        /// What the column holds.
        expected: &'static str,
        /// What came, shortened.
        value: String,
    },
    /// `select`, `order`, `limit` or `offset` that cannot be read.
    #[error("'{parameter}' takes {expected}, not '{value}'")]
    Parameter {
        /// Which of them.
        parameter: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What came, shortened.
        value: String,
    },
    /// `select`, `order`, `limit` or `offset` given twice.
    #[error("'{0}' was given twice")]
    Twice(&'static str),
    /// More values than one query may hold.
    #[error("a query compares with at most {MAX_VALUES} values")]
    TooManyValues,
}

/// At most this much of what came is repeated in a message.
const SHOWN: usize = 60;

/// What came, as a message may repeat it: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

pub(super) fn listed<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
