//! Translates queries to SQL, with names from the allow-list and placeholders for everything else.

use serde_json::Value as Json;
use ztna_protocol::machine_name::comparable;

use crate::domain::Timestamp;
use crate::domain::filter::{Column, Condition, Key, Position, Query, Scalar, Table, Test};
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
    /// Builds the statement, in SQLite's or PostgreSQL's dialect, for up to `limit` rows of a query; `organisations` must not be empty. The columns of `key` and
    /// the id follow those of the query.
    pub(super) fn select(
        query: &'q Query,
        key: Option<Key>,
        limit: u32,
        organisations: &'q [String],
        now: Timestamp,
        postgres: bool,
    ) -> Self {
        let mut statement = Self { text: String::new(), values: Vec::new(), now, postgres };
        statement.write(query, key, limit, organisations);
        statement
    }

    fn write(&mut self, query: &'q Query, key: Option<Key>, limit: u32, organisations: &'q [String]) {
        self.text.push_str("SELECT ");
        for column in &query.select {
            self.column(query.table, column);
            self.text.push_str(", ");
        }
        self.text.push_str(key.map_or("NULL", |key| key.column.name));
        self.text.push_str(", id");
        self.text.push_str(" FROM ");
        self.text.push_str(query.table.name);
        self.text.push_str(" WHERE ");
        self.text.push_str("org_id");
        self.list(organisations.iter().map(Value::from));
        for condition in &query.conditions {
            self.text.push_str(" AND ");
            self.condition(query.table, condition);
        }
        if let Some(position) = &query.after {
            self.after(position);
        }
        self.text.push_str(" ORDER BY ");
        let named = |condition: &Condition| !condition.negated && name_of(query.table, condition).is_some();
        if !self.postgres && query.conditions.iter().any(named) {
            // With the plus, SQLite takes the index of names rather than that of the order, in which it would read all rows.
            self.text.push('+');
        }
        for order in &query.order {
            self.column(query.table, order.column);
            self.text.push_str(if order.descending { " DESC" } else { " ASC" });
            // Where there are no nulls, saying where they go would keep SQLite from using an index.
            self.text.push_str(match (order.column.is_key(), order.nulls_first) {
                (true, _) => ", ",
                (false, true) => " NULLS FIRST, ",
                (false, false) => " NULLS LAST, ",
            });
        }
        // Ids are in the order of their creation.
        self.text.push_str(if query.order.is_empty() { "created_at, id LIMIT " } else { "id LIMIT " });
        self.bind(i64::from(limit));
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
                if let Some(name) = name_of(table, condition) {
                    // The index of names has them in the form in which they are compared.
                    self.text.push_str(" AND name_key = ");
                    self.bind(comparable(name));
                }
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

    /// Writes the condition for rows behind a place, in the form in which an index finds the first of them.
    fn after(&mut self, position: &'q Position) {
        let Key { column, descending, ids_descending } = position.key;
        let compared = |descending| if descending { " < " } else { " > " };
        if position.is_place() && descending == ids_descending {
            self.text.push_str(" AND (");
            self.text.push_str(column.name);
            self.text.push_str(", id)");
            self.text.push_str(compared(descending));
            self.text.push('(');
            self.bind(scalar(&position.value));
            self.text.push_str(", ");
            self.bind(position.id.as_str());
            self.text.push(')');
            return;
        }
        if position.is_place() {
            self.text.push_str(" AND ");
            self.text.push_str(column.name);
            self.text.push_str(if descending { " <= " } else { " >= " });
            self.bind(scalar(&position.value));
        }
        self.text.push_str(" AND (");
        self.text.push_str(column.name);
        self.text.push_str(compared(descending));
        self.bind(scalar(&position.value));
        self.text.push_str(" OR ");
        self.text.push_str(column.name);
        self.text.push_str(" = ");
        self.bind(scalar(&position.tied));
        self.text.push_str(" AND id");
        self.text.push_str(compared(ids_descending));
        self.bind(position.id.as_str());
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

/// Returns the name that machines must have.
fn name_of<'q>(table: &Table, condition: &'q Condition) -> Option<&'q str> {
    match &condition.test {
        Test::Compare(comparison, Scalar::Text(name))
            if table.name == "machines" && condition.column.name == "name" && comparison.name() == "eq" =>
        {
            Some(name)
        }
        _ => None,
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
