//! A failed step: its checks, exchanges and processes.

use harness_model::check::evidence::{Exchange, ProcessResult};
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::check::page::outline;
use harness_model::requirement::Registry;
use harness_model::scenario::model::Scenario;
use harness_model::source::diagnostic::caret;

use crate::json::pretty;
use crate::record::{StepRecord, is_bad};

use super::page::{MAX_LINES, Page};

/// Exchanges shown of a race.
const MAX_EXCHANGES: usize = 3;
/// Characters shown of a line of a body.
const MAX_LINE_LEN: usize = 400;
/// The response headers that are shown.
const SHOWN_HEADERS: [&str; 4] = ["content-type", "location", "retry-after", "www-authenticate"];

pub(super) fn write(page: &mut Page, scenario: &Scenario, step: &StepRecord, registry: &Registry) {
    page.line("");
    page.block("step", &step.name);
    for outcome in step.outcomes.iter().filter(|outcome| is_bad(outcome)) {
        write_check(page, outcome, registry);
        let place = caret(&scenario.source, &outcome.span, &outcome.statements.join(", "), page.width);
        place.lines().for_each(|line| page.line(&format!("  {line}")));
    }
    for exchange in step.exchanges.iter().take(MAX_EXCHANGES) {
        page.lines("exchange", &exchange_lines(exchange));
    }
    if let Some(more @ 1..) = step.exchanges.len().checked_sub(MAX_EXCHANGES) {
        page.block("", &format!("… and {more} more concurrent exchanges"));
    }
    if let Some(process) = &step.process {
        page.lines("command", &process_lines(process));
    }
    if let Some(wire) = &step.wire {
        let lines: Vec<String> = std::iter::once(&wire.command).chain(&wire.seen).cloned().collect();
        page.lines("wire", &lines);
    }
    if let Some(seen) = &step.page {
        let lines: Vec<String> = std::iter::once(seen.command.clone()).chain(outline(seen)).collect();
        page.lines("browser", &lines);
    }
    if let Some(repeat) = &step.repeat {
        // Not wrapped, so that it can be pasted.
        page.lines("repeat", std::slice::from_ref(repeat));
    }
}

fn write_check(page: &mut Page, outcome: &Outcome, registry: &Registry) {
    for id in &outcome.statements {
        let statement = registry.get(id).map_or("", |requirement| requirement.text.as_str());
        page.block("statement", &format!("{id}: {statement}"));
    }
    let label = match outcome.verdict {
        CheckVerdict::Fail => "wrong",
        CheckVerdict::Waived => "waived",
        _ => "error",
    };
    page.block(label, &outcome.message);
    let paint = page.paint;
    let is_diff = outcome.actual.lines().any(|line| line.starts_with("@@"));
    if is_diff {
        let lines: Vec<String> = outcome
            .actual
            .lines()
            .map(|line| match line.chars().next() {
                Some('+') => paint.red(line),
                Some('-') => paint.green(line),
                _ => line.to_owned(),
            })
            .collect();
        page.lines("", &lines);
    } else if matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Waived) {
        page.value("expected", &outcome.expected, |value| paint.green(value));
        page.value("actual", &outcome.actual, |value| paint.red(value));
    }
    for note in &outcome.notes {
        page.block("note", note);
    }
}

fn exchange_lines(exchange: &Exchange) -> Vec<String> {
    let mut lines = vec![format!("> {} {}", exchange.method, exchange.url)];
    lines.extend(exchange.request_headers.iter().map(|header| format!("> {header}")));
    if let Some(body) = &exchange.request_body {
        lines.extend(body_lines(body).map(|line| format!("> {line}")));
    }
    lines.push(format!("< {} after {:.0?}", exchange.status, exchange.took));
    let headers = exchange.headers.iter().filter(|header| SHOWN_HEADERS.contains(&header.name.as_str()));
    lines.extend(headers.map(|header| format!("< {header}")));
    lines.extend(body_lines(&exchange.body).map(|line| format!("< {line}")));
    lines
}

fn process_lines(process: &ProcessResult) -> Vec<String> {
    let mut lines = vec![format!("$ {}", process.command)];
    lines.extend(process.stdout.lines().take(MAX_LINES).map(str::to_owned));
    lines.extend(process.stderr.lines().take(MAX_LINES).map(|line| format!("! {line}")));
    lines.push(match (process.running, process.exit) {
        (true, _) => format!("still running after {:.1?}", process.took),
        (false, Some(code)) => format!("exit {code} after {:.1?}", process.took),
        (false, None) => format!("ended without an exit code after {:.1?}", process.took),
    });
    lines.extend(process.requests.iter().flatten().map(|request| format!("> {request}")));
    lines
}

fn body_lines(body: &str) -> impl Iterator<Item = String> {
    let body = pretty(body);
    let lines: Vec<String> = body.lines().map(|line| line.chars().take(MAX_LINE_LEN).collect()).collect();
    let more = lines.len().saturating_sub(MAX_LINES);
    let rest = (more > 0).then(|| format!("… {more} more lines"));
    lines.into_iter().take(MAX_LINES).chain(rest)
}
