//! One condition on one column: `op.value` and what it means.

use std::fmt;

use super::error::{FilterError, listed, shown};
use super::value::{elements, quoted, refused};
use super::{Column, Kind, Scalar};

/// The longest pattern of `like` and `ilike`: databases have limits of their own, and answer them with an error.
const LONGEST_PATTERN: usize = 256;

/// What a row's column must fulfil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column.
    pub column: &'static Column,
    /// Whether the test must fail instead (`not.`).
    pub negated: bool,
    /// The test.
    pub test: Test,
}

/// A test on a column's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Compared with one value.
    Compare(Comparison, Scalar),
    /// Matches a pattern in which `%` (or `*`) stands for anything and `_` for one character.
    Like {
        /// The pattern, with `%`.
        pattern: String,
        /// Whether case matters (`like`) or not (`ilike`).
        case_sensitive: bool,
    },
    /// Is one of these.
    In(Vec<Scalar>),
    /// Is absent.
    IsNull,
    /// Is this, and not absent.
    Is(bool),
    /// A list that holds all of these.
    Contains(Vec<String>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Greater, later.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less, earlier.
    Lt,
    /// Less or equal.
    Lte,
}

impl Comparison {
    const ALL: [Self; 6] = [Self::Eq, Self::Neq, Self::Gt, Self::Gte, Self::Lt, Self::Lte];

    /// Its spelling in a query.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Neq => "neq",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
        }
    }
}

impl Condition {
    /// Reads what stands after `column=`.
    ///
    /// # Errors
    /// An operator that the column does not take, or a value not of its kind.
    pub fn parse(column: &'static Column, text: &str) -> Result<Self, FilterError> {
        let (negated, positive) = match text.strip_prefix("not.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let Some((operator, value)) = positive.split_once('.').filter(|(prefix, _)| is_operator(prefix))
        else {
            return match operators(column.kind).first() {
                Some(&"eq") if !negated => {
                    let test = Test::Compare(Comparison::Eq, Scalar::parse(column, positive)?);
                    Ok(Self { column, negated, test })
                }
                _ => Err(unknown_operator(column, positive)),
            };
        };
        if !operators(column.kind).contains(&operator) {
            return Err(unknown_operator(column, operator));
        }
        Ok(Self { column, negated, test: test(column, operator, value)? })
    }

    /// How many values it compares with.
    #[must_use]
    pub fn values(&self) -> usize {
        match &self.test {
            Test::Compare(..) | Test::Like { .. } => 1,
            Test::In(values) => values.len(),
            Test::Contains(values) => values.len(),
            Test::IsNull | Test::Is(_) => 0,
        }
    }
}

/// As it is written in a query, before percent-encoding: `column=op.value`.
impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={}", self.column.name, if self.negated { "not." } else { "" })?;
        match &self.test {
            Test::Compare(comparison, value) => write!(out, "{}.{value}", comparison.name()),
            Test::Like { pattern, case_sensitive: true } => write!(out, "like.{pattern}"),
            Test::Like { pattern, case_sensitive: false } => write!(out, "ilike.{pattern}"),
            Test::In(values) => {
                write!(
                    out,
                    "in.({})",
                    values.iter().map(|v| quoted(&v.to_string())).collect::<Vec<_>>().join(",")
                )
            }
            Test::IsNull => out.write_str("is.null"),
            Test::Is(flag) => write!(out, "is.{flag}"),
            Test::Contains(values) => {
                write!(out, "cs.{{{}}}", values.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// The operators that a column takes. A column whose first is `eq` also takes a bare value.
fn operators(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is"],
        Kind::Integer | Kind::Time => &["eq", "neq", "gt", "gte", "lt", "lte", "in", "is"],
        Kind::Boolean => &["eq", "neq", "in", "is"],
        Kind::List => &["cs", "is"],
        Kind::Json => &["is"],
    }
}

/// Whether this reads as an operator rather than as the beginning of a bare value (`100.64.0.3`, `Linux-C.example`).
fn is_operator(prefix: &str) -> bool {
    let word = prefix.split_once('(').map_or(prefix, |(word, _)| word);
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn test(column: &'static Column, operator: &str, value: &str) -> Result<Test, FilterError> {
    if let Some(comparison) = Comparison::ALL.into_iter().find(|comparison| comparison.name() == operator) {
        return Ok(Test::Compare(comparison, Scalar::parse(column, value)?));
    }
    match operator {
        "like" | "ilike" if value.chars().count() > LONGEST_PATTERN => {
            Err(notation(column, "a pattern of at most 256 characters", value))
        }
        "like" | "ilike" => match Scalar::parse(column, &value.replace('*', "%"))? {
            Scalar::Text(pattern) => Ok(Test::Like { pattern, case_sensitive: operator == "like" }),
            _ => Err(refused(column, value)),
        },
        "in" => elements(value, '(', ')')
            .ok_or_else(|| notation(column, "a list written in.(a,\"b,c\")", value))?
            .iter()
            .map(|element| Scalar::parse(column, element))
            .collect::<Result<_, _>>()
            .map(Test::In),
        "cs" => {
            let values = elements(value, '{', '}')
                .ok_or_else(|| notation(column, "a list written cs.{a,b}", value))?;
            match values.iter().find(|element| element.contains('\0')) {
                Some(bad) => Err(refused(column, bad)),
                None => Ok(Test::Contains(values)),
            }
        }
        "is" => match value {
            "null" => Ok(Test::IsNull),
            "true" if column.kind == Kind::Boolean => Ok(Test::Is(true)),
            "false" if column.kind == Kind::Boolean => Ok(Test::Is(false)),
            _ if column.kind == Kind::Boolean => Err(notation(column, "is.null, is.true or is.false", value)),
            _ => Err(notation(column, "is.null", value)),
        },
        _ => Err(unknown_operator(column, operator)),
    }
}

fn notation(column: &'static Column, expected: &'static str, value: &str) -> FilterError {
    FilterError::Value { column: column.name, expected, value: shown(value) }
}

fn unknown_operator(column: &'static Column, operator: &str) -> FilterError {
    FilterError::UnknownOperator {
        column: column.name,
        operator: shown(operator),
        valid: listed(operators(column.kind)),
    }
}
