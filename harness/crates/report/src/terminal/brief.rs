//! A group of failures in a few lines: the cause first and once.

use std::collections::BTreeSet;

use harness_model::check::evidence::{Exchange, ProcessResult};
use harness_model::check::outcome::{CheckVerdict, Outcome, UnevaluatedCause};
use harness_model::requirement::Registry;
use harness_model::text::{counted, truncated};

use crate::record::StepRecord;

use super::cause::{Cause, Failure, FailureGroup};
use super::page::Page;
use super::paint;
use super::wrap::wrap;

/// Lines of the short form.
pub(super) const SHORT_LINES: usize = 3;
/// Lines shown of the cause, of a difference and of an output.
const MAX_CAUSE_LINES: usize = 4;
const MAX_DIFF_LINES: usize = 8;
const MAX_OUTPUT_LINES: usize = 3;
/// Lines shown of a response.
const MAX_BODY_LINES: usize = 2;
/// Ids named in one line.
const MAX_IDS: usize = 8;

pub(super) fn write(page: &mut Page, group: &FailureGroup<'_>, registry: &Registry) {
    let FailureGroup { first, others } = group;
    page.line("");
    page.line(&heading(page, first));
    cause(page, first);
    if let Some(Cause { step, outcome }) = first.cause {
        if let Some(id) = outcome.statements.first() {
            let statement = registry.get(id).map_or("", |requirement| requirement.text.as_str());
            page.block("statement", &format!("{id}: {statement}"));
        }
        let line = first.scenario.source.location(&outcome.span);
        page.block("step", &format!("{} ({line})", step.name));
        evidence(page, step);
        if let Some(repeat) = &step.repeat {
            // Not wrapped, so that it can be pasted.
            let lines: Vec<String> = repeat.lines().map(str::to_owned).collect();
            page.lines("repeat", &lines);
        }
    }
    also(page, first);
    if !others.is_empty() {
        let ids: Vec<&str> = others.iter().map(|failure| failure.scenario.id.as_str()).collect();
        page.block("same cause", &first_ids(&ids));
    }
}

/// Writes the sub-tests and the cause only.
pub(super) fn write_short(page: &mut Page, group: &FailureGroup<'_>) {
    let FailureGroup { first, others } = group;
    page.line(&heading(page, first));
    let statements = first.cause.map(|cause| cause.outcome.statements.as_slice()).unwrap_or_default();
    let statement = statements.first().map(|id| format!(" ({id})")).unwrap_or_default();
    let message = format!("{}{statement}", first_line(first.message()));
    page.lines("cause", &[truncated(&message, page.room()).into_owned()]);
    if !others.is_empty() {
        let ids: Vec<&str> = others.iter().map(|failure| failure.scenario.id.as_str()).collect();
        page.lines("same cause", &[truncated(&first_ids(&ids), page.room()).into_owned()]);
    }
}

fn heading(page: &Page, failure: &Failure<'_>) -> String {
    let (label, style) = paint::verdict(failure.verdict());
    let title = &failure.scenario.title;
    let used = label.len() + failure.scenario.id.chars().count() + 3;
    let title = truncated(title, page.limit.saturating_sub(used));
    format!("{} {}: {title}", page.paint.with(style, label), page.paint.bold(&failure.scenario.id))
}

fn cause(page: &mut Page, failure: &Failure<'_>) {
    let lines = wrap(failure.message(), page.room());
    let more = lines.len() > MAX_CAUSE_LINES;
    let mut shown: Vec<String> = lines.into_iter().take(MAX_CAUSE_LINES).collect();
    if let (true, Some(last)) = (more, shown.last_mut()) {
        last.push_str(" …");
    }
    let shown: Vec<String> = shown.iter().map(|line| page.paint.red(line)).collect();
    page.lines("cause", &shown);
    let difference = failure.cause.map(|cause| cause.outcome.actual.as_str()).unwrap_or_default();
    if difference.lines().any(|line| line.starts_with("@@")) {
        let changed = difference.lines().skip_while(|line| !line.starts_with("@@")).skip(1);
        let changed = changed.filter(|line| line.starts_with(['+', '-']));
        let lines: Vec<String> = changed
            .take(MAX_DIFF_LINES)
            .map(|line| truncated(line, page.room()).into_owned())
            .map(|line| if line.starts_with('+') { page.paint.red(&line) } else { page.paint.green(&line) })
            .collect();
        page.lines("", &lines);
    }
}

fn evidence(page: &mut Page, step: &StepRecord) {
    if let Some(exchange) = step.exchanges.first() {
        let lines = exchange_lines(exchange, step.exchanges.len(), page.room());
        page.lines("exchange", &lines);
    }
    if let Some(process) = &step.process {
        page.lines("command", &process_lines(process, page.room()));
    }
    if let Some(seen) = &step.page {
        page.lines("browser", &[truncated(&seen.command, page.room()).into_owned()]);
    }
    if let Some(wire) = &step.wire {
        let seen = wire.seen.iter().rev().take(MAX_OUTPUT_LINES).rev();
        let lines = std::iter::once(&wire.command).chain(seen);
        page.lines("wire", &lines.map(|line| truncated(line, page.room()).into_owned()).collect::<Vec<_>>());
    }
}

fn exchange_lines(exchange: &Exchange, concurrent: usize, width: usize) -> Vec<String> {
    let body = |body: &str| body.split_whitespace().collect::<Vec<_>>().join(" ");
    let sent = exchange.request_body.as_deref().map(|sent| format!(" {}", body(sent))).unwrap_or_default();
    let mut lines =
        vec![truncated(&format!("> {} {}{sent}", exchange.method, exchange.url), width).into_owned()];
    let more = match concurrent {
        0 | 1 => String::new(),
        all => format!(" (first of {all} concurrent ones)"),
    };
    let received = format!("< {}{more} {}", exchange.status, body(&exchange.body));
    lines.push(truncated(&received, width * MAX_BODY_LINES).into_owned());
    lines.iter().flat_map(|line| pieces(line, width)).collect()
}

fn process_lines(process: &ProcessResult, width: usize) -> Vec<String> {
    let end = match (process.running, process.exit) {
        (true, _) => "still running".to_owned(),
        (false, Some(code)) => format!("exit {code}"),
        (false, None) => "no exit code".to_owned(),
    };
    let mut lines = vec![format!("$ {} ({end})", process.command)];
    // What a program complains about comes last.
    let errors = process.stderr.lines().map(|line| format!("! {line}"));
    let output: Vec<String> = process.stdout.lines().map(str::to_owned).chain(errors).collect();
    let skipped = output.len().saturating_sub(MAX_OUTPUT_LINES);
    if skipped > 0 {
        lines.push(format!("… {}", counted(skipped, "line")));
    }
    lines.extend(output.into_iter().skip(skipped));
    lines.iter().map(|line| truncated(line, width).into_owned()).collect()
}

/// Cuts a line without spaces into pieces.
fn pieces(line: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    letters.chunks(width.max(1)).map(|chunk| chunk.iter().collect()).collect()
}

/// Names the statements of the other failed checks, and counts the checks that could not be judged for the same cause.
fn also(page: &mut Page, failure: &Failure<'_>) {
    let (failed, unjudged): (Vec<&Outcome>, Vec<&Outcome>) =
        failure.others().partition(|outcome| outcome.verdict == CheckVerdict::Fail && !is_not_run(outcome));
    if !failed.is_empty() {
        let mut ids: Vec<&str> = Vec::new();
        for id in failed.iter().flat_map(|outcome| &outcome.statements) {
            if !ids.contains(&id.as_str()) {
                ids.push(id);
            }
        }
        let checks = counted(failed.len(), "more check");
        page.block("also", &format!("{checks} failed: {}", first_ids(&ids)));
    }
    let reason = |outcome: &&Outcome| {
        let found = outcome.unevaluated.as_ref().map_or(&outcome.message, |found| &found.reason);
        (first_line(found).to_owned(), is_not_run(outcome))
    };
    let reasons: BTreeSet<(String, bool)> = unjudged.iter().map(reason).collect();
    if let Some((reason, is_not_run)) = reasons.first() {
        let label = if *is_not_run { "not run" } else { "unjudged" };
        let reason = truncated(reason, page.room() * 2);
        page.block(label, &format!("{}: {reason}", counted(unjudged.len(), "more check")));
    }
}

/// Whether the check failed only because an earlier response lacked a value.
fn is_not_run(outcome: &Outcome) -> bool {
    outcome.unevaluated.as_ref().is_some_and(|found| found.cause == UnevaluatedCause::MissingValue)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn first_ids(ids: &[&str]) -> String {
    match ids.get(..MAX_IDS) {
        Some(shown) if ids.len() > MAX_IDS + 1 => {
            format!("{} and {} more", shown.join(", "), ids.len() - MAX_IDS)
        }
        _ => ids.join(", "),
    }
}
