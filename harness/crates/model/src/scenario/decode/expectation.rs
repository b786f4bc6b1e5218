//! Decodes the expectations of a check.

use crate::scenario::model::{ExitCode, Expectation, Matcher, RefusalPart, Span, Stream, Subject};
use crate::scenario::vocabulary;
use crate::source::document::{self, Entry, SpannedText, Table};
use crate::source::spelling;
use crate::text::truncated;

use super::Decoder;
use super::keep::is_json_pointer;
use super::matcher::Operand;
use super::step::Verb;

/// Leaves room for the endings that the file has while it is written or reviewed.
const MAX_SNAPSHOT_NAME_LEN: usize = 100;

impl Decoder<'_> {
    /// Decodes the expectations of a check or an alternative; `more` are its other keys.
    pub(super) fn expectations(
        &mut self,
        table: &Table<'_, '_>,
        verb: Verb,
        more: &[vocabulary::Word],
    ) -> Vec<Expectation> {
        use vocabulary::{
            BOTH_EXPECTATIONS, BROWSE_EXPECTATIONS, HTTP_EXPECTATIONS, JSON_EXPECTATIONS, WIRE_EXPECTATIONS,
            ZTNA_EXPECTATIONS,
        };
        let (own, shared) = match verb {
            Verb::Http => (HTTP_EXPECTATIONS, BOTH_EXPECTATIONS),
            Verb::Wire => (WIRE_EXPECTATIONS, &[] as &[vocabulary::Word]),
            Verb::Browse => (BROWSE_EXPECTATIONS, &[] as &[vocabulary::Word]),
            _ => (ZTNA_EXPECTATIONS, BOTH_EXPECTATIONS),
        };
        let own = vocabulary::keys(&[own, JSON_EXPECTATIONS, shared, more]);
        let others: Vec<(&str, &str)> = [
            (HTTP_EXPECTATIONS, "HTTP requests"),
            (ZTNA_EXPECTATIONS, "commands"),
            (WIRE_EXPECTATIONS, "`wire`"),
            (BROWSE_EXPECTATIONS, "`browse`"),
            (BOTH_EXPECTATIONS, "HTTP requests and commands"),
        ]
        .into_iter()
        .flat_map(|(words, of)| words.iter().map(move |(key, _)| (*key, of)))
        .filter(|(key, _)| !own.contains(key))
        .collect();
        let mut all = own.clone();
        all.extend(others.iter().map(|(key, _)| *key));
        table.only(&all, &mut self.report);
        let mut expectations = Vec::new();
        for entry in &table.entries {
            if let Some((_, of)) = others.iter().find(|(key, _)| *key == entry.key) {
                self.report.error_with_help(
                    entry.key_span.clone(),
                    format!("`{}` is only available for {of}", entry.key),
                    format!("available here: {}", spelling::list(&own)),
                );
            } else {
                self.expectation(entry, &mut expectations);
            }
        }
        expectations
    }

    fn expectation(&mut self, entry: &Entry<'_, '_>, expectations: &mut Vec<Expectation>) {
        let mut push = |subject: Option<Subject>, span: Span| {
            expectations.extend(subject.map(|subject| Expectation { subject, span }));
        };
        let whole = entry.key_span.start..entry.span().end;
        match entry.key {
            "status" => push(self.statuses(entry), whole),
            "error" | "message" => {
                let part = if entry.key == "error" { RefusalPart::Code } else { RefusalPart::Message };
                let matcher = self.matcher(entry.key, entry.value, Operand::Json);
                push(matcher.map(|matcher| Subject::Refusal(part, matcher)), whole);
            }
            "json" => {
                for (place, matcher, span) in self.places(entry) {
                    push(Some(Subject::Json(place, matcher)), span);
                }
            }
            "header" => {
                for (name, matcher, span) in self.header_places(entry) {
                    push(Some(Subject::Header(name, matcher)), span);
                }
            }
            "body" => push(self.text_matcher(entry).map(Subject::Body), whole),
            "stdout" => push(self.text_matcher(entry).map(|m| Subject::Text(Stream::Stdout, m)), whole),
            "stderr" => push(self.text_matcher(entry).map(|m| Subject::Text(Stream::Stderr, m)), whole),
            "output" => push(self.text_matcher(entry).map(|m| Subject::Text(Stream::Output, m)), whole),
            "exit" => push(self.exit(entry), whole),
            "running" => push(entry.boolean(&mut self.report).map(Subject::Running), whole),
            "ended" => push(entry.boolean(&mut self.report).map(Subject::Ended), whole),
            "handshake" => push(entry.boolean(&mut self.report).map(Subject::Handshake), whole),
            "done" => push(entry.boolean(&mut self.report).map(Subject::Done), whole),
            "page" => push(self.text_matcher(entry).map(Subject::Page), whole),
            "row" => push(self.row(entry).map(Subject::Row), whole),
            "no_row" => push(self.row(entry).map(Subject::NoRow), whole),
            "pong" => push(entry.boolean(&mut self.report).map(Subject::Pong), whole),
            "requests" => push(self.requests(entry), whole),
            "snapshot" => push(self.snapshot(entry), whole),
            _ => {}
        }
    }

    fn statuses(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        let statuses: Vec<u16> = entry.integers("an HTTP status", &mut self.report);
        if let Some(wrong) = statuses.iter().find(|status| !(100..600).contains(*status)) {
            self.report.error(entry.span(), format!("invalid HTTP status {wrong}: must be 100 to 599"));
        }
        self.require_nonempty(entry, &statuses)?;
        Some(Subject::Status(statuses))
    }

    fn exit(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        if let Some(word) = entry.value.get_ref().as_str() {
            if word != "failure" {
                let help = "write an exit code, an array of exit codes, or \"failure\"";
                self.report.error_with_help(entry.span(), format!("invalid exit code `{word}`"), help);
                return None;
            }
            return Some(Subject::Exit(ExitCode::Failure));
        }
        let codes: Vec<i32> = entry.integers("an exit code", &mut self.report);
        self.require_nonempty(entry, &codes)?;
        Some(Subject::Exit(ExitCode::OneOf(codes)))
    }

    fn requests(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        let requests = entry.strings(&mut self.report);
        self.require_nonempty(entry, &requests)?;
        let mut templates = Vec::new();
        for request in requests {
            let text = request.text;
            let (method, path) = text.split_once(' ').unwrap_or((text, ""));
            if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) || !path.starts_with('/')
            {
                let message = format!("invalid request `{text}`");
                self.report.error_with_help(
                    request.span.clone(),
                    message,
                    "write a method and a path: `GET /path?query`",
                );
            }
            templates.push(self.template(request));
        }
        Some(Subject::Requests(templates))
    }

    fn snapshot(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        let SpannedText { text: name, span } = entry.string(&mut self.report)?;
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if name.is_empty() || name.len() > MAX_SNAPSHOT_NAME_LEN || !name.chars().all(is_part) {
            let message = format!("invalid snapshot name `{}`", truncated(name, MAX_SNAPSHOT_NAME_LEN));
            let help = format!(
                "use only letters, digits, `-` and `_`, at most {MAX_SNAPSHOT_NAME_LEN}: it becomes a file name"
            );
            self.report.error_with_help(span, message, help);
            return None;
        }
        Some(Subject::Snapshot(name.to_owned()))
    }

    /// Decodes a table from JSON pointers to matchers.
    pub(super) fn places(&mut self, entry: &Entry<'_, '_>) -> Vec<(String, Matcher, Span)> {
        let Some(table) = entry.table("a table of JSON pointers", &mut self.report) else {
            return Vec::new();
        };
        if table.entries.is_empty() {
            self.report.error(entry.span(), format!("`{}` is empty, so the check can never fail", entry.key));
        }
        let mut places = Vec::new();
        for entry in &table.entries {
            if !entry.key.is_empty() && !is_json_pointer(entry.key) {
                let message = format!("invalid JSON pointer `{}`", entry.key);
                self.report.error_with_help(
                    entry.key_span.clone(),
                    message,
                    format!("write `\"/{}\"`", entry.key),
                );
                continue;
            }
            let span = entry.key_span.start..entry.span().end;
            if let Some(matcher) = self.matcher(entry.key, entry.value, Operand::Json) {
                places.push((entry.key.to_owned(), matcher, span));
            }
        }
        places
    }

    fn header_places(&mut self, entry: &Entry<'_, '_>) -> Vec<(String, Matcher, Span)> {
        let Some(table) = entry.table("a table of headers", &mut self.report) else { return Vec::new() };
        if table.entries.is_empty() {
            self.report.error(entry.span(), "`header` is empty, so the check can never fail");
        }
        let mut headers = Vec::new();
        for entry in &table.entries {
            let span = entry.key_span.start..entry.span().end;
            self.header_name(entry.key, entry.key_span.clone());
            if let Some(matcher) = self.matcher(entry.key, entry.value, Operand::Header) {
                headers.push((entry.key.to_ascii_lowercase(), matcher, span));
            }
        }
        headers
    }

    fn text_matcher(&mut self, entry: &Entry<'_, '_>) -> Option<Matcher> {
        if entry.value.get_ref().is_str() {
            let text = document::string(entry.key, entry.value, &mut self.report)?;
            if text.text.is_empty() {
                self.report.error(text.span, format!("`{}` is empty, which every text contains", entry.key));
                return None;
            }
            let text = self.template(text).text;
            return Some(Matcher::Contains(text.into()));
        }
        self.matcher(entry.key, entry.value, Operand::Text)
    }

    fn require_nonempty<T>(&mut self, entry: &Entry<'_, '_>, items: &[T]) -> Option<()> {
        if items.is_empty() {
            if entry.value.get_ref().as_array().is_some_and(|array| array.is_empty()) {
                self.report.error(
                    entry.span(),
                    format!("`{}` is empty, so no response can be judged by it", entry.key),
                );
            }
            return None;
        }
        Some(())
    }
}
