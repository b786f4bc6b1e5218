//! Checks: the statements they judge and what must hold.

use std::num::NonZeroU32;

use crate::requirement::Level;
use crate::scenario::document::{self, Entry, Table};
use crate::scenario::model::{
    Check, ExitCode, Expectation, Matcher, Quantity, Span, StatementId, Stream, Subject,
};
use crate::scenario::vocabulary;

use super::Decoder;
use super::keep::is_place;
use super::matcher::Of;
use super::step::Verb;

impl Decoder<'_> {
    pub(super) fn checks(
        &mut self,
        entry: &Entry<'_, '_>,
        verb: Verb,
        race: Option<NonZeroU32>,
    ) -> Vec<Check> {
        if matches!(verb, Verb::Advance | Verb::Set) {
            self.report.error(entry.key_span.clone(), "this step leaves nothing to check");
            return Vec::new();
        }
        let Some(items) = entry.array("tables", &mut self.report) else { return Vec::new() };
        let mut checks = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => {
                    checks.extend(self.check(&Table::new("a check", item.span(), table), verb, race));
                }
                None => self
                    .report
                    .error(item.span(), "a check must be a table: `{ verifies = \"…\", status = 200 }`"),
            }
        }
        checks
    }

    /// Ids of statements; unknown ones are reported.
    pub(super) fn statements(&mut self, entry: &Entry<'_, '_>) -> Vec<StatementId> {
        let ids = entry.strings(&mut self.report);
        if ids.is_empty() && entry.value.get_ref().is_array() {
            self.report.error(entry.span(), format!("`{}` names no statement", entry.key));
        }
        let registry = self.registry;
        for (id, span) in ids.iter().filter(|(id, _)| registry.get(id).is_none()) {
            let help = match registry.did_you_mean(id) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "requirements.toml lists all statements; `harness list` shows them".to_owned(),
            };
            self.report.error_with_help(span.clone(), format!("there is no statement `{id}`"), help);
        }
        ids.into_iter().map(|(id, _)| id.to_owned()).collect()
    }

    fn check(&mut self, table: &Table<'_, '_>, verb: Verb, race: Option<NonZeroU32>) -> Option<Check> {
        let verifies = match table.get("verifies") {
            Some(entry) => self.statements(entry),
            None => {
                let help = "name the statement that it judges: `verifies = \"used-count/ST4.2\"`";
                self.report.error_with_help(table.span.clone(), "a check needs `verifies`", help);
                Vec::new()
            }
        };
        self.judge_levels(table, &verifies);
        let quantity = self.quantity(table, race);
        let common = self.expectations(table, verb, vocabulary::CHECK);
        let alternatives = match table.get("any") {
            Some(entry) => self.alternatives(entry, &common, verb),
            None => {
                if !has_expectation(table, vocabulary::CHECK) {
                    let help = "say what must hold: `status = 201`, `stdout = \"…\"`, …";
                    self.report.error_with_help(
                        table.span.clone(),
                        "this check expects nothing, so it can never fail",
                        help,
                    );
                }
                vec![common]
            }
        };
        Some(Check { verifies, quantity, alternatives, span: table.span.clone() })
    }

    fn alternatives(
        &mut self,
        entry: &Entry<'_, '_>,
        common: &[Expectation],
        verb: Verb,
    ) -> Vec<Vec<Expectation>> {
        let Some(items) = entry.array("tables", &mut self.report) else { return Vec::new() };
        if items.len() < 2 {
            self.report.error_with_help(
                entry.span(),
                "`any` needs at least two alternatives",
                "with one, write its expectations into the check itself",
            );
        }
        let mut alternatives = Vec::new();
        for item in items {
            let Some(table) = item.get_ref().as_table() else {
                self.report
                    .error(item.span(), "an alternative must be a table: `{ status = 401, error = \"…\" }`");
                continue;
            };
            let table = Table::new("an alternative", item.span(), table);
            if !has_expectation(&table, &[]) {
                self.report.error(item.span(), "this alternative expects nothing, so it always holds");
            }
            let mut group = common.to_vec();
            group.extend(self.expectations(&table, verb, &[]));
            alternatives.push(group);
        }
        alternatives
    }

    fn judge_levels(&mut self, table: &Table<'_, '_>, verifies: &[StatementId]) {
        let registry = self.registry;
        let levels: Vec<Level> =
            verifies.iter().filter_map(|id| registry.get(id)).map(|known| known.level).collect();
        if let Some(any) = table.get("any")
            && !levels.is_empty()
            && levels.iter().all(|level| *level == Level::Must)
        {
            self.report.warning(
                any.key_span.clone(),
                "`any` lets a `must` statement pass in more than one way",
                "where the documents allow several answers the statement's level is `either`",
            );
        }
        if levels.contains(&Level::Ours) && levels.iter().any(|level| *level != Level::Ours) {
            self.report.warning(
                table.span.clone(),
                "a check judges a documented statement by what is a choice of the reference",
                "make it two checks, so that other targets are judged by the documents alone",
            );
        }
    }

    fn quantity(&mut self, table: &Table<'_, '_>, race: Option<NonZeroU32>) -> Quantity {
        let exactly = table.get("exactly");
        let at_least = table.get("at_least");
        let Some(entry) = exactly.or(at_least) else { return Quantity::Each };
        if let (Some(_), Some(other)) = (exactly, at_least) {
            self.report.error(other.key_span.clone(), "`exactly` and `at_least` do not go together");
        }
        let Some(count) = entry.integer::<u32>("a number of answers", &mut self.report) else {
            return Quantity::Each;
        };
        match race {
            None => {
                let message = format!("`{}` counts the answers of a race, and this step is none", entry.key);
                self.report.error_with_help(entry.key_span.clone(), message, "add `race = N` to the step");
            }
            Some(race) if count > race.get() => {
                self.report
                    .error(entry.span(), format!("a race of {race} can never have {count} such answers"));
            }
            Some(_) if exactly.is_none() && count == 0 => {
                self.report.error(entry.span(), "`at_least = 0` can never fail");
            }
            Some(_) => {}
        }
        if exactly.is_some() { Quantity::Exactly(count) } else { Quantity::AtLeast(count) }
    }

    fn expectations(
        &mut self,
        table: &Table<'_, '_>,
        verb: Verb,
        more: &[vocabulary::Word],
    ) -> Vec<Expectation> {
        let (own, other, of) = match verb {
            Verb::Http => {
                (vocabulary::HTTP_EXPECTATIONS, vocabulary::ZTNA_EXPECTATIONS, "commands of `ztna`")
            }
            _ => (vocabulary::ZTNA_EXPECTATIONS, vocabulary::HTTP_EXPECTATIONS, "HTTP answers"),
        };
        let own = vocabulary::keys(&[own, vocabulary::BOTH_EXPECTATIONS, more]);
        let other = vocabulary::keys(&[other]);
        let mut all = own.clone();
        all.extend(&other);
        table.only(&all, &mut self.report);
        let mut expectations = Vec::new();
        for entry in &table.entries {
            if other.contains(&entry.key) {
                self.report.error_with_help(
                    entry.key_span.clone(),
                    format!("`{}` is of {of}, and this step is none", entry.key),
                    format!("here a check may have {}", crate::scenario::spelling::list(&own)),
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
                let place = if entry.key == "error" { "/error/code" } else { "/error/message" };
                push(
                    self.matcher(entry.key, entry.value, Of::Json)
                        .map(|m| Subject::Json(place.to_owned(), m)),
                    whole,
                );
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
            "requests" => push(self.requests(entry), whole),
            "snapshot" => push(self.snapshot(entry), whole),
            _ => {}
        }
    }

    fn statuses(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        let statuses: Vec<u16> = entry.integers("an HTTP status", &mut self.report);
        if let Some(wrong) = statuses.iter().find(|status| !(100..600).contains(*status)) {
            self.report.error(entry.span(), format!("{wrong} is no HTTP status"));
        }
        self.never_empty(entry, &statuses)?;
        Some(Subject::Status(statuses))
    }

    fn exit(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        if let Some(word) = entry.value.get_ref().as_str() {
            if word != "failure" {
                let help = "write an exit code, a list of them, or \"failure\"";
                self.report.error_with_help(entry.span(), format!("`{word}` is not an exit code"), help);
                return None;
            }
            return Some(Subject::Exit(ExitCode::Failure));
        }
        let codes: Vec<i32> = entry.integers("an exit code", &mut self.report);
        self.never_empty(entry, &codes)?;
        Some(Subject::Exit(ExitCode::OneOf(codes)))
    }

    fn requests(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        let requests = entry.strings(&mut self.report);
        self.never_empty(entry, &requests)?;
        let mut templates = Vec::new();
        for (text, span) in requests {
            let (method, path) = text.split_once(' ').unwrap_or((text, ""));
            if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) || !path.starts_with('/')
            {
                let message = format!("`{text}` is not a request");
                self.report.error_with_help(span.clone(), message, "write `GET /path?query`");
            }
            templates.push(self.template((text, span)));
        }
        Some(Subject::Requests(templates))
    }

    fn snapshot(&mut self, entry: &Entry<'_, '_>) -> Option<Subject> {
        let (name, span) = entry.string(&mut self.report)?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            let message = format!("`{name}` cannot be a snapshot's name");
            self.report.error_with_help(span, message, "it becomes a file name: letters, digits, - and _");
            return None;
        }
        Some(Subject::Snapshot(name.to_owned()))
    }

    /// The places of a `json` table and what they must be like.
    pub(super) fn places(&mut self, entry: &Entry<'_, '_>) -> Vec<(String, Matcher, Span)> {
        let Some(table) = entry.table("a table of places", &mut self.report) else { return Vec::new() };
        if table.entries.is_empty() {
            self.report.error(entry.span(), format!("`{}` names no place, so it always holds", entry.key));
        }
        let mut places = Vec::new();
        for entry in &table.entries {
            if !entry.key.is_empty() && !is_place(entry.key) {
                let message = format!("`{}` is not a place in JSON", entry.key);
                self.report.error_with_help(
                    entry.key_span.clone(),
                    message,
                    format!("write `\"/{}\"`", entry.key),
                );
                continue;
            }
            let span = entry.key_span.start..entry.span().end;
            if let Some(matcher) = self.matcher(entry.key, entry.value, Of::Json) {
                places.push((entry.key.to_owned(), matcher, span));
            }
        }
        places
    }

    fn header_places(&mut self, entry: &Entry<'_, '_>) -> Vec<(String, Matcher, Span)> {
        let Some(table) = entry.table("a table of headers", &mut self.report) else { return Vec::new() };
        if table.entries.is_empty() {
            self.report.error(entry.span(), "`header` names none, so it always holds");
        }
        let mut headers = Vec::new();
        for entry in &table.entries {
            let span = entry.key_span.start..entry.span().end;
            if let Some(matcher) = self.matcher(entry.key, entry.value, Of::Header) {
                headers.push((entry.key.to_ascii_lowercase(), matcher, span));
            }
        }
        headers
    }

    fn text_matcher(&mut self, entry: &Entry<'_, '_>) -> Option<Matcher> {
        if entry.value.get_ref().is_str() {
            let (text, span) = document::string(entry.key, entry.value, &mut self.report)?;
            if text.is_empty() {
                self.report.error(span, format!("every text contains the empty `{}`", entry.key));
                return None;
            }
            let text = self.template((text, span)).text;
            return Some(Matcher::Contains(text.into()));
        }
        self.matcher(entry.key, entry.value, Of::Text)
    }

    fn never_empty<T>(&mut self, entry: &Entry<'_, '_>, items: &[T]) -> Option<()> {
        if items.is_empty() {
            if entry.value.get_ref().as_array().is_some_and(|array| array.is_empty()) {
                self.report.error(entry.span(), format!("`{}` is empty, so it judges nothing", entry.key));
            }
            return None;
        }
        Some(())
    }
}

/// Whether a check says anything about the answer, rightly spelled or not.
fn has_expectation(table: &Table<'_, '_>, others: &[vocabulary::Word]) -> bool {
    let others = vocabulary::keys(&[others]);
    table.entries.iter().any(|entry| !others.contains(&entry.key))
}
