//! From a document to a scenario, one file a part of the language. A reader answers `None` for what it cannot
//! read, has reported why, and goes on with the rest.

mod check;
mod expectation;
mod file;
mod http;
mod keep;
mod machine;
mod matcher;
mod step;
mod wire;
mod ztna;

use std::time::Duration;

use serde_json::Value as Json;

use crate::requirement::Registry;

use super::model::{Span, Step, Template};
use super::template;
use crate::source::document::{self, Entry, Report, Value};
use crate::source::spelling;

pub(super) use file::file;

/// Reads one file.
pub(super) struct Decoder<'r> {
    /// What was found so far.
    pub(super) report: Report,
    /// The statements that checks may name.
    pub(super) registry: &'r Registry,
    /// The variables that were used since the last [`Decoder::take_uses`].
    uses: Vec<Use>,
}

/// A variable in a text.
#[derive(Debug, Clone)]
pub(super) struct Use {
    /// Its name.
    pub(super) name: String,
    /// Where the text stands.
    pub(super) span: Span,
}

/// A step, with the variables that its parts use.
#[derive(Debug)]
pub(super) struct DraftStep {
    /// The step.
    pub(super) step: Step,
    /// Where its machine is named.
    pub(super) on: Option<Span>,
    /// Used by its rows.
    pub(super) rows: Vec<Use>,
    /// Used by what is done.
    pub(super) action: Vec<Use>,
    /// Used by its checks.
    pub(super) checks: Vec<Use>,
}

impl<'r> Decoder<'r> {
    /// A reader that has found nothing yet.
    pub(super) fn new(report: Report, registry: &'r Registry) -> Self {
        Self { report, registry, uses: Vec::new() }
    }

    fn take_uses(&mut self) -> Vec<Use> {
        std::mem::take(&mut self.uses)
    }

    /// A text whose variables are noted.
    fn template(&mut self, (text, span): (&str, Span)) -> Template {
        note(text, span.clone(), &mut self.uses, &mut self.report);
        Template { text: text.to_owned(), span }
    }

    fn template_of(&mut self, entry: &Entry<'_, '_>) -> Option<Template> {
        let text = entry.string(&mut self.report)?;
        Some(self.template(text))
    }

    /// A text that must not be empty.
    fn filled_template_of(&mut self, entry: &Entry<'_, '_>) -> Option<Template> {
        let template = self.template_of(entry)?;
        if template.text.trim().is_empty() {
            self.report.error(entry.span(), format!("`{}` is empty", entry.key));
            return None;
        }
        Some(template)
    }

    /// A table of texts.
    fn templates(&mut self, entry: &Entry<'_, '_>) -> Vec<(String, Template)> {
        let Some(table) = entry.table("the table", &mut self.report) else { return Vec::new() };
        table
            .entries
            .iter()
            .filter_map(|entry| Some((entry.key.to_owned(), self.template_of(entry)?)))
            .collect()
    }

    fn json(&mut self, value: &Value<'_>) -> Option<Json> {
        let uses = &mut self.uses;
        document::json(value, &mut self.report, &mut |text, span, report| note(text, span, uses, report))
    }

    fn duration(&mut self, entry: &Entry<'_, '_>) -> Option<Duration> {
        let (text, span) = entry.string(&mut self.report)?;
        match humantime::parse_duration(text) {
            Ok(duration) if duration.is_zero() => {
                self.report.error(span, format!("`{}` must be longer than nothing", entry.key));
                None
            }
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("`{text}` is not a duration: {error}");
                self.report.error_with_help(
                    span,
                    message,
                    "write a number and s, m, h or d: `10s`, `31m`, `7d`",
                );
                None
            }
        }
    }

    /// One of several words.
    fn choice<T: Copy>(
        &mut self,
        (word, span): (&str, Span),
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let found = choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.report.error_with_help(
                span,
                format!("`{word}` is not {what}"),
                spelling::help_for(word, &names),
            );
        }
        found
    }
}

fn note(text: &str, span: Span, uses: &mut Vec<Use>, report: &mut Report) {
    match template::names(text) {
        Ok(names) => {
            uses.extend(names.into_iter().map(|name| Use { name: name.to_owned(), span: span.clone() }));
        }
        Err(error) => {
            report.error_with_help(span, error.to_string(), "write `$${` for the two characters themselves");
        }
    }
}
