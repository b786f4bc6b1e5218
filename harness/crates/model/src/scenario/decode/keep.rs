//! Decodes `keep`: variables that take their values from a response.

use serde_json::Value as Json;

use crate::scenario::model::{Extraction, Keep, Span};
use crate::source::document::{self, Entry, SpannedText};
use crate::text::pattern;

use super::Decoder;
use super::step::Verb;

const SOURCES_HELP: &str = "write a JSON pointer (`/data/id`, `rows/0/id`), `@date /POINTER`, `@status`, `@header NAME`, \
                       `@output REGEX` or `@count STATUS…`";

impl Decoder<'_> {
    pub(super) fn keep(&mut self, entry: &Entry<'_, '_>, verb: Verb, is_race: bool) -> Vec<Keep> {
        if matches!(verb, Verb::Advance | Verb::Set) {
            self.report.error(entry.key_span.clone(), "`keep` is not allowed here: the step has no response");
            return Vec::new();
        }
        let Some(table) = entry.table("a `keep` table", &mut self.report) else { return Vec::new() };
        let mut kept = Vec::new();
        for entry in &table.entries {
            self.variable_name(entry);
            let Some((SpannedText { text: source, span }, fallback)) = self.source(entry) else { continue };
            // Keep the name despite an invalid source, so that later uses are not reported as well.
            let from = self.extraction(source, &span, verb, is_race).unwrap_or(Extraction::Status);
            kept.push(Keep { name: entry.key.to_owned(), from, fallback, span });
        }
        kept
    }

    /// Decodes `SOURCE` or `[SOURCE, FALLBACK]`.
    fn source<'a>(&mut self, entry: &Entry<'a, '_>) -> Option<(SpannedText<'a>, Option<Json>)> {
        if !entry.value.get_ref().is_array() {
            return Some((entry.string(&mut self.report)?, None));
        }
        match entry.array("a source and a fallback", &mut self.report)?.as_slice() {
            [source, fallback] => {
                let source = document::string(entry.key, source, &mut self.report)?;
                Some((source, Some(self.json(fallback)?)))
            }
            _ => {
                self.report.error_with_help(
                    entry.span(),
                    format!("invalid source of `{}`: expected a source and a fallback", entry.key),
                    "write `[\"/data/key\", \"none\"]`",
                );
                None
            }
        }
    }

    fn extraction(&mut self, source: &str, span: &Span, verb: Verb, is_race: bool) -> Option<Extraction> {
        let (word, rest) = source.split_once(' ').map_or((source, ""), |(word, rest)| (word, rest.trim()));
        let require_http = |decoder: &mut Self| {
            if verb != Verb::Http {
                decoder.report.error(span.clone(), format!("`{word}` is only available for HTTP requests"));
            }
        };
        match word {
            "@date" if is_json_pointer(rest) => Some(Extraction::Date(rest.to_owned())),
            "@status" if rest.is_empty() => {
                require_http(self);
                Some(Extraction::Status)
            }
            "@header" if !rest.is_empty() && !rest.contains(' ') => {
                require_http(self);
                Some(Extraction::Header(rest.to_ascii_lowercase()))
            }
            "@output" if !rest.is_empty() => self.output(rest, span, verb),
            "@count" if is_race => self.count(rest, span),
            "@count" => {
                self.report.error_with_help(
                    span.clone(),
                    "`@count` is only available in a race",
                    "add `race = N` to the step",
                );
                None
            }
            _ if is_json_pointer(source) => Some(Extraction::Pointer(source.to_owned())),
            _ => {
                self.report.error_with_help(
                    span.clone(),
                    format!("invalid source `{source}` in `keep`"),
                    SOURCES_HELP,
                );
                None
            }
        }
    }

    fn output(&mut self, pattern: &str, span: &Span, verb: Verb) -> Option<Extraction> {
        if matches!(verb, Verb::Wire) {
            self.report.error(span.clone(), "`@output` is not available for `wire`");
        }
        match pattern::capture_groups(pattern) {
            Ok(0) => {
                let message = "`@output` needs a regular expression with a capture group";
                self.report.error_with_help(span.clone(), message, "put parentheses around the part to keep");
                None
            }
            Ok(_) => Some(Extraction::Output(pattern.to_owned())),
            Err(error) => {
                self.report.error(span.clone(), error.to_string());
                None
            }
        }
    }

    fn count(&mut self, statuses: &str, span: &Span) -> Option<Extraction> {
        let statuses: Option<Vec<u16>> = statuses
            .split_whitespace()
            .map(|status| status.parse().ok().filter(|status| (100..600).contains(status)))
            .collect();
        match statuses {
            Some(statuses) if !statuses.is_empty() => Some(Extraction::Count(statuses)),
            _ => {
                self.report.error_with_help(
                    span.clone(),
                    "invalid `@count`: expected HTTP statuses",
                    "write them after it: `@count 200 201`",
                );
                None
            }
        }
    }
}

/// Returns whether the text is a JSON pointer or `rows/…`.
pub(super) fn is_json_pointer(text: &str) -> bool {
    text.starts_with('/') || text == "rows" || text.starts_with("rows/")
}
