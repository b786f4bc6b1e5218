//! A place in an order, as PostgREST spells it: `or=(created_at.gt."T",and(created_at.eq."T",id.gt."ID"))`.

use std::fmt;

use super::value::quoted;
use super::{Column, FilterError, Scalar, Table, excerpt};

const EXPECTED: &str = r#"a place in an order: (COLUMN.gt.VALUE,and(COLUMN.eq.VALUE,id.gt.ID))"#;

/// The rows behind a row, in the order of a column whose values are never null, and of the id among equal ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub key: Key,
    pub value: Scalar,
    /// The value of the rows whose ids are compared: the same, unless a client composed another condition.
    pub tied: Scalar,
    pub id: String,
}

/// An order in which a row's place is told by two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub column: &'static Column,
    pub descending: bool,
    pub ids_descending: bool,
}

impl Position {
    /// Parses the value of `or`.
    pub(super) fn parse(table: &Table, text: &str) -> Result<Self, FilterError> {
        let invalid = || FilterError::Parameter { parameter: "or", expected: EXPECTED, value: excerpt(text) };
        let mut rest = text.strip_prefix('(').ok_or_else(invalid)?;
        let (name, after) = rest.split_once('.').ok_or_else(invalid)?;
        let column = table.column(name)?;
        if !column.is_key() {
            return Err(invalid());
        }
        rest = after;
        let descending = direction(&mut rest).ok_or_else(invalid)?;
        let value = value(&mut rest).ok_or_else(invalid)?;
        let again = format!(",and({name}.eq.");
        rest = rest.strip_prefix(again.as_str()).ok_or_else(invalid)?;
        let tied = self::value(&mut rest).ok_or_else(invalid)?;
        rest = rest.strip_prefix(",id.").ok_or_else(invalid)?;
        let ids_descending = direction(&mut rest).ok_or_else(invalid)?;
        let id = self::value(&mut rest).filter(|id| !id.contains('\0')).ok_or_else(invalid)?;
        if rest != "))" {
            return Err(invalid());
        }
        let key = Key { column, descending, ids_descending };
        Ok(Self { key, value: Scalar::parse(column, &value)?, tied: Scalar::parse(column, &tied)?, id })
    }

    /// Returns the place behind a row.
    #[must_use]
    pub fn behind(key: Key, value: Scalar, id: String) -> Self {
        Self { key, tied: value.clone(), value, id }
    }

    /// Whether this is the place of a row.
    #[must_use]
    pub fn is_place(&self) -> bool {
        self.value == self.tied
    }
}

/// Writes the value of `or`, before percent-encoding.
impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { column, descending, ids_descending } = self.key;
        let operator = |descending| if descending { "lt" } else { "gt" };
        let (name, id) = (column.name, quoted(&self.id));
        let (value, tied) = (quoted(&self.value.to_string()), quoted(&self.tied.to_string()));
        let (of_values, of_ids) = (operator(descending), operator(ids_descending));
        write!(out, "({name}.{of_values}.{value},and({name}.eq.{tied},id.{of_ids}.{id}))")
    }
}

/// Takes `gt.` or `lt.`, and returns whether it is the latter.
fn direction(text: &mut &str) -> Option<bool> {
    let (operator, rest) = text.split_once('.')?;
    *text = rest;
    match operator {
        "gt" => Some(false),
        "lt" => Some(true),
        _ => None,
    }
}

/// Takes a value, in quotes or up to a comma or parenthesis.
fn value(text: &mut &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find([',', '(', ')', '"'])?;
        let (value, rest) = text.split_at(end);
        *text = rest;
        return Some(value.to_owned());
    };
    let (value, rest) = super::value::unquoted(inner)?;
    *text = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::MACHINES;

    #[test]
    fn positions_are_written_as_they_are_read() {
        for text in [
            r#"(created_at.gt."2026-03-17T10:00:00.000Z",and(created_at.eq."2026-03-17T10:00:00.000Z",id.gt."x"))"#,
            r#"(name.gt."a",and(name.eq."b",id.lt."x"))"#,
            r#"(name.lt."a \"b\", \\(c)",and(name.eq."a \"b\", \\(c)",id.lt."x"))"#,
        ] {
            assert_eq!(Position::parse(&MACHINES, text).unwrap().to_string(), text);
        }
        let bare = Position::parse(&MACHINES, "(name.gt.a,and(name.eq.a,id.gt.x))").unwrap();
        assert_eq!(bare.to_string(), r#"(name.gt."a",and(name.eq."a",id.gt."x"))"#);
    }

    #[test]
    fn other_conditions_are_refused() {
        for text in [
            "",
            "name.gt.a",
            "(name.gt.a,name.lt.b)",
            "(name.gte.a,and(name.eq.a,id.gt.x))",
            "(name.gt.a,and(name.eq.a,name.gt.x))",
            "(name.gt.a,and(name.eq.a,id.gt.x)),id.eq.y",
            "(name.gt.\"a,and(name.eq.a,id.gt.x))",
            "(os.gt.a,and(os.eq.a,id.gt.x))",
            "(created_at.gt.a,and(created_at.eq.a,id.gt.x))",
            "(key_hash.gt.a,and(key_hash.eq.a,id.gt.x))",
            "(name.gt.a,and(name.eq.a,id.gt.x\0))",
        ] {
            assert!(Position::parse(&MACHINES, text).is_err(), "{text}");
        }
    }
}
