//! Conditions on a column, written `op.value`.

use std::fmt;

use super::error::{FilterError, comma_separated, excerpt};
use super::value::{elements, invalid_value, quoted};
use super::{Column, Kind, Scalar};

/// The maximum length of a `like` or `ilike` pattern in characters, below the limits at which databases fail.
const MAX_PATTERN_LEN: usize = 256;
/// The maximum number of wildcards `%` and `*` in a pattern: each multiplies the places where the rest may begin.
pub(super) const MAX_WILDCARDS: usize = 8;
/// The maximum number of elements in `cs`: each is searched for in the whole list.
pub(super) const MAX_ELEMENTS: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub column: &'static Column,
    /// Whether the result of the test is inverted (`not.`).
    pub negated: bool,
    pub test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    Compare(Comparison, Scalar),
    /// A pattern in which `%` stands for any text and `_` for one character; `*` is accepted for `%`.
    /// Case-sensitive for `like`, not for `ilike`.
    Like {
        pattern: String,
        case_sensitive: bool,
    },
    In(Vec<Scalar>),
    IsNull,
    Is(bool),
    /// The column's list contains all of these elements.
    Contains(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Comparison {
    const ALL: [Self; 6] = [Self::Eq, Self::Neq, Self::Gt, Self::Gte, Self::Lt, Self::Lte];

    /// The operator as spelled in a query.
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
    /// Parses the text after `column=`.
    ///
    /// # Errors
    /// An operator that the column does not support, or a value of another kind.
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
        Ok(Self { column, negated, test: parse_test(column, operator, value)? })
    }

    /// The number of values that the condition compares with.
    #[must_use]
    pub fn values(&self) -> usize {
        match &self.test {
            Test::Compare(..) | Test::Like { .. } => 1,
            Test::In(values) => values.len(),
            Test::Contains(values) => values.len(),
            Test::IsNull | Test::Is(_) => 0,
        }
    }

    /// Whether the condition searches through the column's text.
    #[must_use]
    pub fn searches(&self) -> bool {
        matches!(self.test, Test::Like { .. } | Test::Contains(_))
    }
}

/// Writes the condition as in a query, before percent-encoding: `column=op.value`.
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

/// The operators that a column supports. If the first one is `eq`, a bare value means equality.
fn operators(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is"],
        Kind::Integer | Kind::Time => &["eq", "neq", "gt", "gte", "lt", "lte", "in", "is"],
        Kind::Boolean => &["eq", "neq", "in", "is"],
        Kind::List => &["cs", "is"],
        Kind::Json => &["is"],
    }
}

/// Whether the text before the first dot is an operator, not part of a bare value (`100.64.0.3`, `Linux-C.example`).
fn is_operator(prefix: &str) -> bool {
    let word = prefix.split_once('(').map_or(prefix, |(word, _)| word);
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn parse_test(column: &'static Column, operator: &str, value: &str) -> Result<Test, FilterError> {
    if let Some(comparison) = Comparison::ALL.into_iter().find(|comparison| comparison.name() == operator) {
        return Ok(Test::Compare(comparison, Scalar::parse(column, value)?));
    }
    match operator {
        "like" | "ilike" if value.chars().count() > MAX_PATTERN_LEN => {
            Err(invalid_notation(column, "a pattern of at most 256 characters", value))
        }
        "like" | "ilike" if value.matches(['*', '%']).count() > MAX_WILDCARDS => {
            Err(invalid_notation(column, "a pattern with at most 8 wildcards", value))
        }
        "like" | "ilike" => match Scalar::parse(column, &value.replace('*', "%"))? {
            Scalar::Text(pattern) => Ok(Test::Like { pattern, case_sensitive: operator == "like" }),
            _ => Err(invalid_value(column, value)),
        },
        "in" => elements(value, '(', ')')
            .ok_or_else(|| invalid_notation(column, "a list written in.(a,\"b,c\")", value))?
            .iter()
            .map(|element| Scalar::parse(column, element))
            .collect::<Result<_, _>>()
            .map(Test::In),
        "cs" => {
            let values = elements(value, '{', '}')
                .ok_or_else(|| invalid_notation(column, "a list written cs.{a,b}", value))?;
            if values.len() > MAX_ELEMENTS {
                return Err(invalid_notation(column, "a list of at most 16 elements", value));
            }
            match values.iter().find(|element| element.contains('\0')) {
                Some(bad) => Err(invalid_value(column, bad)),
                None => Ok(Test::Contains(values)),
            }
        }
        "is" => match value {
            "null" => Ok(Test::IsNull),
            "true" if column.kind == Kind::Boolean => Ok(Test::Is(true)),
            "false" if column.kind == Kind::Boolean => Ok(Test::Is(false)),
            _ if column.kind == Kind::Boolean => {
                Err(invalid_notation(column, "is.null, is.true or is.false", value))
            }
            _ => Err(invalid_notation(column, "is.null", value)),
        },
        _ => Err(unknown_operator(column, operator)),
    }
}

fn invalid_notation(column: &'static Column, expected: &'static str, value: &str) -> FilterError {
    FilterError::Value { column: column.name, expected, value: excerpt(value) }
}

fn unknown_operator(column: &'static Column, operator: &str) -> FilterError {
    FilterError::UnknownOperator {
        column: column.name,
        operator: excerpt(operator),
        valid: comma_separated(operators(column.kind)),
    }
}
