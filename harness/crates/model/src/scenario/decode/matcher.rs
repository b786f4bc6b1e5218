use serde_json::Value as Json;

use crate::scenario::model::{Kind, Matcher, Span};
use crate::scenario::moment;
use crate::scenario::template::{self, Binding, Scope, Variables};
use crate::scenario::vocabulary;
use crate::source::document::{Entry, Table, Value};
use crate::text::pattern;

use super::Decoder;

/// What a matcher is applied to: it decides which matchers are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// A JSON value.
    Json,
    /// A header value: text, or a number written as text.
    Header,
    Text,
    /// The text under a heading of a table.
    Cell,
}

const TEXT_MATCHERS: [&str; 10] =
    ["equals", "matches", "one_of", "contains", "excludes", "length", "not", "line", "lines", "table"];

const CELL_MATCHERS: [&str; 7] = ["equals", "matches", "one_of", "contains", "excludes", "within", "not"];

const HEADER_MATCHERS: [&str; 10] =
    ["equals", "matches", "type", "one_of", "contains", "excludes", "above", "below", "not", "absent"];

impl Decoder<'_> {
    /// Decodes a literal value or a table with one matcher.
    pub(super) fn matcher(&mut self, key: &str, value: &Value<'_>, operand: Operand) -> Option<Matcher> {
        let Some(table) = value.get_ref().as_table() else {
            return self.literal(key, value, operand).map(Matcher::Equals);
        };
        let table = Table::new("an expectation", value.span(), table);
        let known = vocabulary::keys(&[vocabulary::MATCHERS]);
        table.only(&known, &mut self.report);
        let mut found = table.entries.iter().filter(|entry| known.contains(&entry.key));
        let Some(entry) = found.next() else {
            if table.entries.is_empty() {
                let help = "write `{ equals = {} }` to match an empty object";
                self.report.error_with_help(value.span(), format!("empty matcher for `{key}`"), help);
            }
            return None;
        };
        if let Some(second) = found.next() {
            let message = format!("only one matcher is allowed, and there is already `{}`", entry.key);
            self.report.error_with_help(second.key_span.clone(), message, "write a second check for it");
        }
        let (what, allowed): (&str, &[&str]) = match operand {
            Operand::Json => ("JSON", &known),
            Operand::Header => ("a header", &HEADER_MATCHERS),
            Operand::Text => ("text", &TEXT_MATCHERS),
            Operand::Cell => ("the cell of a table", &CELL_MATCHERS),
        };
        if !allowed.contains(&entry.key) || (operand == Operand::Json && entry.key == "table") {
            let allowed: Vec<&str> = allowed.iter().copied().filter(|key| *key != entry.key).collect();
            let help = format!("available for {what}: {}", crate::source::spelling::list(&allowed));
            self.report.error_with_help(
                entry.key_span.clone(),
                format!("`{}` is not available for {what}", entry.key),
                help,
            );
            return None;
        }
        self.single_matcher(entry, operand)
    }

    fn single_matcher(&mut self, entry: &Entry<'_, '_>, operand: Operand) -> Option<Matcher> {
        Some(match entry.key {
            "equals" => Matcher::Equals(self.json(entry.value)?),
            "matches" => Matcher::Matches(self.pattern(entry)?),
            "type" => Matcher::Type(self.kind(entry)?),
            "one_of" => Matcher::OneOf(self.listed(entry)?),
            "contains" => Matcher::Contains(self.contained(entry)?),
            "excludes" => Matcher::Excludes(self.contained(entry)?),
            "length" => Matcher::Length(entry.integer::<u32>("a length", &mut self.report)? as usize),
            "keys" => Matcher::Keys(self.key_names(entry)?),
            "has_keys" => Matcher::HasKeys(self.key_names(entry)?),
            "above" => Matcher::Above(self.bound(entry)?),
            "below" => Matcher::Below(self.bound(entry)?),
            "within" => Matcher::Within(self.window(entry)?),
            "not" => Matcher::Not(Box::new(self.matcher(entry.key, entry.value, operand)?)),
            "every" => Matcher::Every(self.inner_places(entry)?),
            "some" => Matcher::Some(self.inner_places(entry)?),
            "absent" => match entry.boolean(&mut self.report)? {
                true => Matcher::Absent,
                false => Matcher::Not(Box::new(Matcher::Absent)),
            },
            "line" => Matcher::Line(self.template_of(entry)?.text),
            "lines" => Matcher::Lines(self.lines(entry)?),
            "table" => Matcher::Table(self.columns(entry)?),
            _ => return None,
        })
    }

    fn literal(&mut self, key: &str, value: &Value<'_>, operand: Operand) -> Option<Json> {
        if operand != Operand::Json && !value.get_ref().is_str() {
            let message =
                format!("`{key}` is text and never equals a value of type {}", value.get_ref().type_str());
            self.report.error_with_help(
                value.span(),
                message,
                "quote it, or use a matcher such as `{ matches = \"…\" }`",
            );
            return None;
        }
        self.json(value)
    }

    fn pattern(&mut self, entry: &Entry<'_, '_>) -> Option<String> {
        let pattern = self.template_of(entry)?;
        if pattern.text.is_empty() {
            self.report.error(pattern.span, "empty regular expression: it matches every text");
            return None;
        }
        let filled =
            template::fill_pattern(&pattern.text, Scope { variables: &AnyValue, generators: None }).ok()?;
        if let Err(error) = pattern::capture_groups(&filled) {
            self.report.error(pattern.span, error.to_string());
            return None;
        }
        Some(pattern.text)
    }

    fn window(&mut self, entry: &Entry<'_, '_>) -> Option<String> {
        let window = self.template_of(entry)?;
        let filled =
            template::fill_text(&window.text, Scope { variables: &AnyValue, generators: None }).ok()?;
        if !moment::is_window(&filled.unwrap_or_default()) {
            self.report.error_with_help(
                window.span,
                "invalid window of time",
                "write `5m of ${created}+90d`: a distance, a kept time, and an offset from it (s, m, h, d)",
            );
            return None;
        }
        Some(window.text)
    }

    fn kind(&mut self, entry: &Entry<'_, '_>) -> Option<Kind> {
        let word = entry.string(&mut self.report)?;
        self.choice(word, "type", vocabulary::KINDS)
    }

    fn listed(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<Json>> {
        let items = entry.array("values", &mut self.report)?;
        if items.is_empty() {
            self.report.error(entry.span(), "`one_of` is empty, so no value can match");
            return None;
        }
        items.into_iter().map(|item| self.json(item)).collect()
    }

    fn contained(&mut self, entry: &Entry<'_, '_>) -> Option<Json> {
        let value = self.json(entry.value)?;
        if value.as_str() == Some("") {
            self.report.error(entry.span(), format!("`{}` is empty, which every text contains", entry.key));
            return None;
        }
        Some(value)
    }

    fn key_names(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<String>> {
        let items = entry.array("keys", &mut self.report)?;
        let names: Vec<Option<String>> = items
            .iter()
            .map(|item| {
                Some(crate::source::document::string(entry.key, item, &mut self.report)?.text.to_owned())
            })
            .collect();
        names.into_iter().collect()
    }

    /// A number, or a variable that has one.
    fn bound(&mut self, entry: &Entry<'_, '_>) -> Option<Json> {
        let value = entry.value.get_ref();
        let is_variable = value.as_str().is_some_and(|text| text.starts_with("${") && text.ends_with('}'));
        if !value.is_integer() && !value.is_float() && !is_variable {
            entry.expected("a number, or a variable such as `\"${count}\"`", &mut self.report);
            return None;
        }
        self.json(entry.value)
    }

    fn inner_places(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<(String, Matcher)>> {
        let places: Vec<(String, Matcher, Span)> = self.places(entry);
        let places: Vec<_> = places.into_iter().map(|(place, matcher, _)| (place, matcher)).collect();
        (!places.is_empty()).then_some(places)
    }

    /// Decodes the labels of a row on a page.
    pub(super) fn row(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<(String, Matcher)>> {
        self.columns(entry)
    }

    fn columns(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<(String, Matcher)>> {
        let table =
            entry.table("a table of headings such as `{ NAME = \"…\", USES = \"1\" }`", &mut self.report)?;
        if table.entries.is_empty() {
            self.report.error(entry.span(), format!("`{}` is empty: name at least one heading", entry.key));
            return None;
        }
        let columns: Vec<Option<(String, Matcher)>> = table
            .entries
            .iter()
            .map(|entry| Some((entry.key.to_owned(), self.matcher(entry.key, entry.value, Operand::Cell)?)))
            .collect();
        columns.into_iter().collect()
    }

    fn lines(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<Matcher>> {
        let items = entry.array("lines", &mut self.report)?;
        if items.is_empty() {
            self.report.error(entry.span(), "`lines` is empty, so the check can never fail");
            return None;
        }
        let lines: Vec<Option<Matcher>> =
            items.into_iter().map(|item| self.matcher("line", item, Operand::Text)).collect();
        lines.into_iter().collect()
    }
}

/// Defines every variable, to test whether a pattern compiles once it is expanded.
struct AnyValue;

impl Variables for AnyValue {
    fn get(&self, _name: &str) -> Option<Binding> {
        Some(Binding::Value(Json::String("x".to_owned())))
    }
}
