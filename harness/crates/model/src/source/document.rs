//! A TOML document with spans, and readers that collect all errors instead of stopping at the first.

use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Span;
use super::diagnostic::{Diagnostic, Severity};
use super::spelling;

/// A TOML value with its span.
pub type Value<'i> = Spanned<DeValue<'i>>;

/// Collects the diagnostics of one file.
#[derive(Debug)]
pub struct Diagnostics {
    path: PathBuf,
    diagnostics: Vec<Diagnostic>,
}

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

impl Diagnostics {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), diagnostics: Vec::new() }
    }

    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.add(Severity::Error, span, message.into(), None);
    }

    pub fn error_with_help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, span, message.into(), Some(help.into()));
    }

    pub fn warning(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Warning, span, message.into(), Some(help.into()));
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The path shown in messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Returns all diagnostics in file order.
    pub fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span.as_ref().map_or(0, |span| span.start));
        self.diagnostics
    }

    fn add(&mut self, severity: Severity, span: Span, message: String, help: Option<String>) {
        self.diagnostics.push(Diagnostic {
            severity,
            path: self.path.clone(),
            span: Some(span),
            message,
            help,
        });
    }
}

/// Parses TOML. Returns `None` after a syntax error: a partially recovered document would cause misleading
/// errors about missing keys.
pub fn parse<'i>(text: &'i str, report: &mut Diagnostics) -> Option<Spanned<DeTable<'i>>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(root);
    }
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        report.error(span, format!("invalid TOML: {}", error.message()));
    }
    None
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

    pub fn string(&self, key: &str, report: &mut Diagnostics) -> Option<(&'a str, Span)> {
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

    pub fn string(&self, report: &mut Diagnostics) -> Option<(&'a str, Span)> {
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
    pub fn strings(&self, report: &mut Diagnostics) -> Vec<(&'a str, Span)> {
        match self.value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| string(self.key, item, report)).collect(),
            DeValue::String(text) => vec![(text.as_ref(), self.span())],
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

pub fn string<'a>(key: &str, value: &'a Value<'_>, report: &mut Diagnostics) -> Option<(&'a str, Span)> {
    let found = value.get_ref().as_str();
    if found.is_none() {
        wrong_type(key, "a string", value, report);
    }
    Some((found?, value.span()))
}

/// Converts the value to JSON. Calls `on_string` for each string in it, to collect variables.
pub fn json(
    value: &Value<'_>,
    report: &mut Diagnostics,
    on_string: &mut dyn FnMut(&str, Span, &mut Diagnostics),
) -> Option<Json> {
    Some(match value.get_ref() {
        DeValue::String(text) => {
            on_string(text, value.span(), report);
            Json::String(text.clone().into_owned())
        }
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Json::Number(number.into()),
            Err(_) => {
                report.error(value.span(), "integer out of range: it does not fit into 64 bits");
                return None;
            }
        },
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Json::Number(number),
            None => {
                report.error(value.span(), "invalid number: JSON has no infinity and no NaN");
                return None;
            }
        },
        DeValue::Boolean(flag) => Json::Bool(*flag),
        DeValue::Datetime(_) => {
            report.error_with_help(
                value.span(),
                "invalid value: JSON has no dates",
                "put the date in quotes",
            );
            return None;
        }
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| json(item, report, on_string)).collect();
            Json::Array(items.into_iter().collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let table = Table::new("an object", value.span(), table);
            let mut object = Map::new();
            let mut is_complete = true;
            for entry in &table.entries {
                match json(entry.value, report, on_string) {
                    Some(value) => {
                        object.insert(entry.key.to_owned(), value);
                    }
                    None => is_complete = false,
                }
            }
            if !is_complete {
                return None;
            }
            Json::Object(object)
        }
    })
}

fn integer_in<T: TryFrom<i64>>(
    key: &str,
    value: &Value<'_>,
    range: &str,
    report: &mut Diagnostics,
) -> Option<T> {
    let Some(integer) = value.get_ref().as_integer() else {
        wrong_type(key, "an integer", value, report);
        return None;
    };
    let number = i64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .and_then(|number| T::try_from(number).ok());
    if number.is_none() {
        report.error(value.span(), format!("`{key}` must be {range}, found {integer}"));
    }
    number
}

fn wrong_type(key: &str, expected: &str, value: &Value<'_>, report: &mut Diagnostics) {
    let found = match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    report.error(value.span(), format!("`{key}` must be {expected}, found {found}"));
}
