//! Decodes a TOML document into a scenario, one module per part of the language. A decoder reports what it cannot
//! read, returns `None` for it, and continues with the rest.

mod browse;
mod check;
mod expectation;
pub(super) mod file;
mod http;
mod keep;
mod machine;
mod matcher;
mod passage;
mod step;
mod wire;
mod ztna;

use std::time::Duration;

use serde_json::Value as Json;

use crate::requirement::Registry;

use super::model::{Span, Step, Template};
use super::template;
use crate::source::document::{self, Diagnostics, Entry, SpannedText, Value};
use crate::source::spelling;

pub(super) struct Decoder<'r> {
    pub(super) report: Diagnostics,
    /// The statements that checks may name.
    pub(super) registry: &'r Registry,
    /// The variables used since the last [`Decoder::take_uses`].
    uses: Vec<VariableUse>,
}

/// A use of a variable.
#[derive(Debug, Clone)]
pub(super) struct VariableUse {
    pub(super) name: String,
    /// The span of the text that contains it.
    pub(super) span: Span,
}

/// A decoded step with the variables that its parts use.
#[derive(Debug)]
pub(super) struct DraftStep {
    pub(super) step: Step,
    /// The span of its machine name.
    pub(super) on: Option<Span>,
    /// Variables used by its rows.
    pub(super) rows: Vec<VariableUse>,
    /// Variables named and used by its conditions.
    pub(super) when: Vec<VariableUse>,
    /// Variables used by its action.
    pub(super) action: Vec<VariableUse>,
    /// Variables used by its checks.
    pub(super) checks: Vec<VariableUse>,
}

impl DraftStep {
    /// Returns every use of a variable.
    pub(super) fn uses(&self) -> impl Iterator<Item = &VariableUse> + Clone {
        self.rows.iter().chain(&self.when).chain(&self.action).chain(&self.checks)
    }
}

impl<'r> Decoder<'r> {
    pub(super) fn new(report: Diagnostics, registry: &'r Registry) -> Self {
        Self { report, registry, uses: Vec::new() }
    }

    fn take_uses(&mut self) -> Vec<VariableUse> {
        std::mem::take(&mut self.uses)
    }

    /// Decodes a text and records the variables it uses.
    fn template(&mut self, SpannedText { text, span }: SpannedText<'_>) -> Template {
        record_uses(text, span.clone(), &mut self.uses, &mut self.report);
        Template { text: text.to_owned(), span }
    }

    fn template_of(&mut self, entry: &Entry<'_, '_>) -> Option<Template> {
        let text = entry.string(&mut self.report)?;
        Some(self.template(text))
    }

    /// Decodes a text that must not be empty.
    fn nonempty_template_of(&mut self, entry: &Entry<'_, '_>) -> Option<Template> {
        let template = self.template_of(entry)?;
        if template.text.trim().is_empty() {
            self.report.error(entry.span(), format!("`{}` is empty", entry.key));
            return None;
        }
        Some(template)
    }

    fn templates(&mut self, entry: &Entry<'_, '_>) -> Vec<(String, Template)> {
        let Some(table) = entry.table("a table of strings", &mut self.report) else { return Vec::new() };
        table
            .entries
            .iter()
            .filter_map(|entry| Some((entry.key.to_owned(), self.template_of(entry)?)))
            .collect()
    }

    fn json(&mut self, value: &Value<'_>) -> Option<Json> {
        let uses = &mut self.uses;
        document::json(value, &mut self.report, &mut |text, span, report| {
            record_uses(text, span, uses, report);
        })
    }

    fn duration(&mut self, entry: &Entry<'_, '_>) -> Option<Duration> {
        let SpannedText { text, span } = entry.string(&mut self.report)?;
        match humantime::parse_duration(text) {
            Ok(duration) if duration.is_zero() => {
                self.report.error(span, format!("`{}` must be greater than zero", entry.key));
                None
            }
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("invalid duration `{text}`: {error}");
                self.report.error_with_help(
                    span,
                    message,
                    "write a number with a unit (s, m, h, d), such as `10s`, `31m` or `7d`",
                );
                None
            }
        }
    }

    /// Decodes one of several words; `what` names them in messages.
    fn choice<T: Copy>(
        &mut self,
        SpannedText { text: word, span }: SpannedText<'_>,
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let found = choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.report.error_with_help(
                span,
                format!("unknown {what} `{word}`"),
                spelling::help_for(word, &names),
            );
        }
        found
    }
}

fn record_uses(text: &str, span: Span, uses: &mut Vec<VariableUse>, report: &mut Diagnostics) {
    match template::variable_names(text) {
        Ok(names) => {
            uses.extend(
                names.into_iter().map(|name| VariableUse { name: name.to_owned(), span: span.clone() }),
            );
        }
        Err(error) => {
            report.error_with_help(span, error.to_string(), "write `$${` for a literal `${`");
        }
    }
}
