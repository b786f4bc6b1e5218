//! Decodes waiver files, reporting all errors together.

use schemars::JsonSchema;
use time::{Date, Month};

use crate::requirement::Registry;
use crate::scenario::model::{Scenario, Source, Span};
use crate::source::diagnostic::Diagnostic;
use crate::source::document::{self, Diagnostics, Entry, SpannedText, Table};
use crate::source::spelling;

use super::scope::{CheckPosition, WaiverScope, checks, is_on_line};
use super::waivers::{Waiver, Waivers};

const KEYS: [&str; 5] = ["statement", "check", "reason", "owner", "expires"];

/// The JSON Schema of a waiver file. The file is decoded without serde to report all errors with positions.
#[derive(Debug, JsonSchema)]
#[schemars(title = "Waivers", extend("additionalProperties" = false))]
#[allow(dead_code, reason = "only used for its JSON Schema")]
pub struct WaiverFile {
    /// Failures that are accepted until a date.
    waiver: Vec<WaiverEntry>,
}

/// A failure that is accepted until a date, of either a statement or a check.
#[derive(Debug, JsonSchema)]
#[schemars(extend(
    "additionalProperties" = false,
    "oneOf" = [{ "required": ["statement"] }, { "required": ["check"] }]
))]
#[allow(dead_code, reason = "only used for its JSON Schema")]
struct WaiverEntry {
    /// The id of the statement whose failed checks are accepted, such as `used-count/ST4.2`.
    statement: Option<String>,
    /// The check whose failure is accepted: `used-count/ST4:31` (line 31 of its file) or `used-count/ST4/NAME OF THE STEP`.
    check: Option<String>,
    /// Why the failure is accepted.
    #[schemars(length(min = 1))]
    reason: String,
    /// Who is responsible for it.
    #[schemars(length(min = 1))]
    owner: String,
    /// The last valid day, as a TOML date without quotes.
    #[schemars(extend("format" = "date"))]
    expires: String,
}

impl Waivers {
    /// Decodes a waiver file; `today` decides which waivers have expired.
    pub fn read<'a>(
        source: &Source,
        registry: &Registry,
        scenarios: impl IntoIterator<Item = &'a Scenario>,
        today: Date,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut report = Diagnostics::new(&source.path);
        let scenarios: Vec<&Scenario> = scenarios.into_iter().collect();
        let mut reader = Reader { source, registry, scenarios, today, waivers: Vec::new() };
        if let Some(root) = document::parse(&source.text, &mut report) {
            let file = Table::new("a waiver file", 0..0, root.get_ref());
            file.only(&["waiver"], &mut report);
            let entries = file.get("waiver").and_then(|entry| entry.array("tables", &mut report));
            for value in entries.unwrap_or_default() {
                match value.get_ref().as_table() {
                    Some(table) => reader.waiver(&Table::new("a waiver", value.span(), table), &mut report),
                    None => {
                        report.error(value.span(), "invalid waiver: expected a table, written as [[waiver]]");
                    }
                }
            }
        }
        if report.has_errors() { Err(report.into_diagnostics()) } else { Ok(Self(reader.waivers)) }
    }
}

struct Reader<'a> {
    source: &'a Source,
    registry: &'a Registry,
    scenarios: Vec<&'a Scenario>,
    today: Date,
    waivers: Vec<Waiver>,
}

impl Reader<'_> {
    fn waiver(&mut self, table: &Table<'_, '_>, report: &mut Diagnostics) {
        table.only(&KEYS, report);
        let scope = match (table.get("statement"), table.get("check")) {
            (Some(statement), None) => self.statement(statement, report),
            (None, Some(check)) => self.check(check, report),
            (Some(_), Some(check)) => {
                let help = "write a separate [[waiver]] for the check";
                report.error_with_help(
                    check.key_span.clone(),
                    "`statement` and `check` cannot be combined",
                    help,
                );
                None
            }
            (None, None) => {
                let help = "add one of them, such as statement = \"used-count/ST4.2\"";
                report.error_with_help(
                    table.span.clone(),
                    "missing key `statement` or `check` in a waiver",
                    help,
                );
                None
            }
        };
        let reason = text("reason", table, report);
        let owner = text("owner", table, report);
        let expires = table.require("expires", report).and_then(|entry| date(entry, report));
        let (Some((scope, span)), Some(reason), Some(owner), Some(expires)) = (scope, reason, owner, expires)
        else {
            return;
        };
        if let Some(other) = self.waivers.iter().find(|known| known.scope == scope) {
            let help = format!("the first is at {}", other.location);
            return report.error_with_help(span, "duplicate waiver", help);
        }
        let location = self.source.location(&table.span);
        let is_expired = self.today > expires;
        self.waivers.push(Waiver { scope, reason, owner, expires, is_expired, location });
    }

    fn statement(&self, entry: &Entry<'_, '_>, report: &mut Diagnostics) -> Option<(WaiverScope, Span)> {
        let SpannedText { text: id, span } = entry.string(report)?;
        if self.registry.get(id).is_none() {
            let help = match self.registry.did_you_mean(id) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "run `harness explain SUITE` for its statements".to_owned(),
            };
            report.error_with_help(span, format!("unknown statement `{id}`"), help);
            return None;
        }
        Some((WaiverScope::Statement(id.to_owned()), span))
    }

    fn check(&self, entry: &Entry<'_, '_>, report: &mut Diagnostics) -> Option<(WaiverScope, Span)> {
        let SpannedText { text, span } = entry.string(report)?;
        let Some(scope) = WaiverScope::parse_check(text) else {
            let help = "write SUBTEST:LINE or SUBTEST/STEP NAME, such as used-count/ST4:31";
            report.error_with_help(span, format!("invalid check `{text}`"), help);
            return None;
        };
        let WaiverScope::Check { subtest, position } = &scope else { return None };
        let Some(scenario) = self.scenarios.iter().find(|scenario| scenario.id == *subtest) else {
            let ids = self.scenarios.iter().map(|scenario| scenario.id.as_str());
            let help = match spelling::nearest(subtest, ids) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "run `harness list` for all sub-tests".to_owned(),
            };
            report.error_with_help(span, format!("unknown sub-test `{subtest}`"), help);
            return None;
        };
        match explain_missing(scenario, position) {
            None => Some((scope, span)),
            Some((message, help)) => {
                report.error_with_help(span, message, help);
                None
            }
        }
    }
}

/// Returns a message and help if the sub-test has no such check.
fn explain_missing(scenario: &Scenario, position: &CheckPosition) -> Option<(String, String)> {
    match position {
        CheckPosition::Line(at) if checks(scenario).any(|check| is_on_line(scenario, check, *at)) => None,
        CheckPosition::Line(at) => {
            let lines: Vec<String> =
                checks(scenario).map(|check| scenario.source.line(&check.span).to_string()).collect();
            Some((
                format!("{} has no check on line {at}", scenario.id),
                format!("its checks are on the lines {}", lines.join(", ")),
            ))
        }
        CheckPosition::Step(name) => {
            let names: Vec<&str> = scenario.steps.iter().map(|step| step.name.text.as_str()).collect();
            (!names.contains(&name.as_str())).then(|| {
                (format!("{} has no step \"{name}\"", scenario.id), spelling::help_for(name, &names))
            })
        }
    }
}

fn text(key: &str, table: &Table<'_, '_>, report: &mut Diagnostics) -> Option<String> {
    let SpannedText { text, span } = table.require(key, report)?.string(report)?;
    if text.trim().is_empty() {
        report.error(span, format!("`{key}` is empty: it is shown in reports"));
        return None;
    }
    Some(text.to_owned())
}

fn date(entry: &Entry<'_, '_>, report: &mut Diagnostics) -> Option<Date> {
    const HELP: &str = "write a date without quotes, such as expires = 2026-12-31";
    let found = entry.value.get_ref().as_datetime();
    let day =
        found.filter(|found| found.time.is_none() && found.offset.is_none()).and_then(|found| found.date);
    let date = day.and_then(|day| {
        Date::from_calendar_date(day.year.into(), Month::try_from(day.month).ok()?, day.day).ok()
    });
    if date.is_none() {
        report.error_with_help(entry.span(), "`expires` must be a date", HELP);
    }
    date
}
