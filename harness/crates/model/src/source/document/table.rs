use toml::de::{DeTable, DeValue};

use crate::source::{Span, spelling};

use super::diagnostics::Diagnostics;
use super::value::{SpannedText, Value, integer_in, string, wrong_type};

/// A TOML table with its entries in file order.
#[derive(Debug, Clone)]
pub struct Table<'a, 'i> {
    /// The kind of table in messages, such as "a step".
    pub what: &'static str,
    pub span: Span,
    pub entries: Vec<Entry<'a, 'i>>,
}

#[derive(Debug, Clone)]
pub struct Entry<'a, 'i> {
    pub key: &'a str,
    pub key_span: Span,
    pub value: &'a Value<'i>,
}

impl<'a, 'i> Table<'a, 'i> {
    pub fn new(what: &'static str, span: Span, table: &'a DeTable<'i>) -> Self {
        let mut entries: Vec<Entry<'a, 'i>> = table
            .iter()
            .map(|(key, value)| Entry { key: key.get_ref().as_ref(), key_span: key.span(), value })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Self { what, span, entries }
    }

    pub fn get(&self, key: &str) -> Option<&Entry<'a, 'i>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Returns the entry of a key, and reports an error if it is missing.
    pub fn require(&self, key: &str, report: &mut Diagnostics) -> Option<&Entry<'a, 'i>> {
        let entry = self.get(key);
        if entry.is_none() {
            report.error(self.span.clone(), format!("missing key `{key}` in {}", self.what));
        }
        entry
    }

    /// Reports every key that is not one of `keys`.
    pub fn only(&self, keys: &[&str], report: &mut Diagnostics) {
        for entry in self.entries.iter().filter(|entry| !keys.contains(&entry.key)) {
            report.error_with_help(
                entry.key_span.clone(),
                format!("unknown key `{}` in {}", entry.key, self.what),
                spelling::help_for(entry.key, keys),
            );
        }
    }

    pub fn string(&self, key: &str, report: &mut Diagnostics) -> Option<SpannedText<'a>> {
        self.get(key)?.string(report)
    }

    /// Returns the boolean of a key, or false if it is missing.
    pub fn flag(&self, key: &str, report: &mut Diagnostics) -> bool {
        self.get(key).and_then(|entry| entry.boolean(report)).unwrap_or(false)
    }
}

impl<'a, 'i> Entry<'a, 'i> {
    pub fn span(&self) -> Span {
        self.value.span()
    }

    /// Reports that the value is of the wrong type.
    pub fn expected(&self, expected: &str, report: &mut Diagnostics) {
        wrong_type(self.key, expected, self.value, report);
    }

    pub fn string(&self, report: &mut Diagnostics) -> Option<SpannedText<'a>> {
        string(self.key, self.value, report)
    }

    pub fn boolean(&self, report: &mut Diagnostics) -> Option<bool> {
        let found = self.value.get_ref().as_bool();
        if found.is_none() {
            self.expected("true or false", report);
        }
        found
    }

    pub fn table(&self, what: &'static str, report: &mut Diagnostics) -> Option<Table<'a, 'i>> {
        let found = self.value.get_ref().as_table();
        if found.is_none() {
            self.expected("a table", report);
        }
        Some(Table::new(what, self.span(), found?))
    }

    pub fn array(&self, of: &str, report: &mut Diagnostics) -> Option<Vec<&'a Value<'i>>> {
        let found = self.value.get_ref().as_array();
        if found.is_none() {
            self.expected(&format!("an array of {of}"), report);
        }
        Some(found?.iter().collect())
    }

    /// Reads a string or an array of strings.
    pub fn strings(&self, report: &mut Diagnostics) -> Vec<SpannedText<'a>> {
        match self.value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| string(self.key, item, report)).collect(),
            DeValue::String(text) => vec![SpannedText { text: text.as_ref(), span: self.span() }],
            _ => {
                self.expected("a string or an array of strings", report);
                Vec::new()
            }
        }
    }

    /// Reads an integer or an array of integers; `range` describes the valid ones in messages.
    pub fn integers<T: TryFrom<i64>>(&self, range: &str, report: &mut Diagnostics) -> Vec<T> {
        match self.value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|item| integer_in(self.key, item, range, report)).collect()
            }
            _ => integer_in(self.key, self.value, range, report).into_iter().collect(),
        }
    }

    /// Reads an integer; `range` describes the valid ones in messages.
    pub fn integer<T: TryFrom<i64>>(&self, range: &str, report: &mut Diagnostics) -> Option<T> {
        integer_in(self.key, self.value, range, report)
    }
}
