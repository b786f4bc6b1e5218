//! Translates queries to SQL, with names from the allow-list and placeholders for everything else.

use serde_json::Value as Json;

use crate::domain::Timestamp;
use crate::domain::filter::{Column, Condition, Query, Scalar, Table, Test};
use crate::domain::machine::OFFLINE_AFTER;
use crate::store::Value;

/// SQL text with the values of its placeholders.
pub(super) struct Statement<'q> {
    pub(super) text: String,
    pub(super) values: Vec<Value<'q>>,
    now: Timestamp,
    postgres: bool,
}

impl<'q> Statement<'q> {
    /// Builds the statement for a query, in SQLite's or PostgreSQL's dialect; `organisations` must not be empty.
    pub(super) fn select(
        query: &'q Query,
        organisations: &'q [String],
        now: Timestamp,
        postgres: bool,
    ) -> Self {
        let mut statement = Self { text: String::new(), values: Vec::new(), now, postgres };
        statement.write(query, organisations);
        statement
    }

    fn write(&mut self, query: &'q Query, organisations: &'q [String]) {
        self.text.push_str("SELECT ");
        for (at, column) in query.select.iter().enumerate() {
            self.separate(at, ", ");
            self.column(query.table, column);
        }
        self.text.push_str(" FROM ");
        self.text.push_str(query.table.name);
        self.text.push_str(" WHERE ");
        self.text.push_str("org_id");
        self.list(organisations.iter().map(Value::from));
        for condition in &query.conditions {
            self.text.push_str(" AND ");
            self.condition(query.table, condition);
        }
        self.text.push_str(" ORDER BY ");
        for order in &query.order {
            self.column(query.table, order.column);
            self.text.push_str(if order.descending { " DESC" } else { " ASC" });
            self.text.push_str(if order.nulls_first { " NULLS FIRST, " } else { " NULLS LAST, " });
        }
        self.text.push_str("created_at, id LIMIT ");
        self.bind(i64::from(query.limit));
        self.text.push_str(" OFFSET ");
        self.bind(i64::from(query.offset));
    }

    /// Writes a column, or the expression that replaces it.
    fn column(&mut self, table: &Table, column: &Column) {
        if table.name == "machines" && column.name == "status" {
            self.text.push_str("CASE WHEN status = 'online' AND last_seen <= ");
            self.bind(self.now.minus(OFFLINE_AFTER));
            self.text.push_str(" THEN 'offline' ELSE status END");
        } else {
            self.text.push_str(column.name);
        }
    }

    fn condition(&mut self, table: &Table, condition: &'q Condition) {
        self.text.push_str(if condition.negated { "NOT (" } else { "(" });
        match &condition.test {
            Test::Compare(comparison, value) => {
                self.operand(table, condition.column);
                self.text.push_str(match comparison.name() {
                    "eq" => " = ",
                    "neq" => " <> ",
                    "gt" => " > ",
                    "gte" => " >= ",
                    "lt" => " < ",
                    _ => " <= ",
                });
                self.bind(scalar(value));
            }
            Test::Like { pattern, case_sensitive: true } if self.postgres => {
                self.operand(table, condition.column);
                self.text.push_str(" LIKE ");
                self.bind(complete(pattern));
                self.text.push_str(" ESCAPE '\\'");
            }
            Test::Like { pattern, case_sensitive: true } => {
                self.operand(table, condition.column);
                // SQLite's LIKE ignores case; GLOB does not.
                self.text.push_str(" GLOB ");
                self.bind(glob(pattern));
            }
            Test::Like { pattern, case_sensitive: false } => {
                self.text.push_str("lower(");
                self.operand(table, condition.column);
                self.text.push_str(") LIKE lower(");
                self.bind(complete(pattern));
                self.text.push_str(") ESCAPE '\\'");
            }
            Test::In(values) if values.is_empty() => self.text.push_str("1 = 0"),
            Test::In(values) => {
                self.operand(table, condition.column);
                self.list(values.iter().map(scalar));
            }
            Test::IsNull => {
                self.operand(table, condition.column);
                self.text.push_str(" IS NULL");
            }
            Test::Is(flag) => {
                self.operand(table, condition.column);
                self.text.push_str(" IS NOT DISTINCT FROM ");
                self.bind(*flag);
            }
            Test::Contains(values) => self.contains(condition.column.name, values),
        }
        self.text.push(')');
    }

    fn operand(&mut self, table: &Table, column: &Column) {
        self.text.push('(');
        self.column(table, column);
        self.text.push(')');
    }

    /// Writes a list, which must not be empty: PostgreSQL has no empty lists.
    fn list(&mut self, values: impl Iterator<Item = Value<'q>>) {
        self.text.push_str(" IN (");
        for (at, value) in values.enumerate() {
            self.separate(at, ", ");
            self.bind(value);
        }
        self.text.push(')');
    }

    /// Writes a test for list elements. Lists are stored as compact JSON of elements without quotes and commas, so that a
    /// list contains an element exactly if its text contains the element's JSON.
    fn contains(&mut self, column: &str, values: &'q [String]) {
        self.text.push_str(column);
        self.text.push_str(" IS NOT NULL");
        for value in values {
            if value.contains(['"', ',', '\\']) {
                self.text.push_str(" AND 1 = 0");
                continue;
            }
            self.text.push_str(" AND replace(");
            self.text.push_str(column);
            self.text.push_str(", ");
            self.bind(Json::from(value.as_str()).to_string());
            self.text.push_str(", '') <> ");
            self.text.push_str(column);
        }
    }

    fn bind(&mut self, value: impl Into<Value<'q>>) {
        self.values.push(value.into());
        self.text.push('?');
        self.text.push_str(&self.values.len().to_string());
    }

    fn separate(&mut self, at: usize, separator: &str) {
        if at > 0 {
            self.text.push_str(separator);
        }
    }
}

fn scalar(value: &Scalar) -> Value<'_> {
    match value {
        Scalar::Text(text) => text.into(),
        Scalar::Integer(number) => (*number).into(),
        Scalar::Boolean(flag) => (*flag).into(),
        Scalar::Time(moment) => (*moment).into(),
    }
}

/// Escapes a backslash at the end of a LIKE pattern, which PostgreSQL refuses: it stands for itself.
fn complete(pattern: &str) -> String {
    let trailing = pattern.len() - pattern.trim_end_matches('\\').len();
    format!("{pattern}{}", if trailing % 2 == 1 { "\\" } else { "" })
}

/// Converts a LIKE pattern, in which a backslash escapes the next character, to GLOB.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '%' => {
                glob.push('*');
                continue;
            }
            '_' => {
                glob.push('?');
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        if matches!(literal, '*' | '?' | '[') {
            glob.extend(['[', literal, ']']);
        } else {
            glob.push(literal);
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns_convert_to_glob() {
        for (like, expected) in [
            ("%a_", "*a?"),
            ("100\\%\\_", "100%_"),
            ("[*]?", "[[][*]][?]"),
            ("\\[\\\\", "[[]\\"),
            ("a\\", "a\\"),
        ] {
            assert_eq!(glob(like), expected, "{like}");
        }
    }
}
