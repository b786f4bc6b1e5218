//! The sub-tests that did not pass, in full.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::json::pretty;
use crate::record::{Record, StepRecord, SubtestRecord, is_bad};
use harness_model::check::evidence::{Exchange, ProcessResult};
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::event::SubtestVerdict;
use harness_model::plan::PlannedSubtest;
use harness_model::requirement::Registry;
use harness_model::scenario::model::Scenario;
use harness_model::source::diagnostic::caret;
use harness_model::text::{counted, plural};

use super::paint::{self, Paint};
use super::wrap::wrap;

/// What a check is told that was not judged for the sake of an earlier step.
const EARLIER: &str = "not run: an earlier step could not be carried out";
/// Width of the label column.
const LABEL_WIDTH: usize = 11;
/// Lines shown of a response or an output.
const MAX_LINES: usize = 40;
/// Exchanges shown of a race.
const MAX_EXCHANGES: usize = 3;

pub(super) fn write(text: &mut String, record: &Record, registry: &Registry, paint: Paint, width: usize) {
    let mut alike: Vec<(&str, Vec<&Scenario>)> = Vec::new();
    for (planned, subtest) in record.subtests() {
        if !matches!(subtest.verdict, Some(SubtestVerdict::Fail | SubtestVerdict::Error) | None) {
            continue;
        }
        if !subtest.bad_steps.is_empty() {
            with_steps(text, planned, subtest, registry, paint, width);
            continue;
        }
        let reason = subtest.reason.as_deref().unwrap_or("did not finish");
        let scenario = planned.scenario.as_ref();
        match alike.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, others)) if others.iter().any(|other| other.id == scenario.id) => {}
            Some((_, others)) => others.push(scenario),
            None => alike.push((reason, vec![scenario])),
        }
    }
    for (reason, scenarios) in alike {
        let (label, style) = paint::verdict(SubtestVerdict::Error);
        let ids: Vec<&str> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
        let lines = match scenarios.as_slice() {
            [only] => vec![format!("{}: {}", paint.bold(&only.id), only.title)],
            _ => wrap(&ids.join(", "), width.saturating_sub(label.len() + 1)),
        };
        let _ = writeln!(text);
        for (position, line) in lines.iter().enumerate() {
            let label = if position == 0 { paint.with(style, label) } else { " ".repeat(label.len()) };
            let _ = writeln!(text, "{label} {line}");
        }
        block(text, "reason", reason, width, paint);
    }
}

fn with_steps(
    text: &mut String,
    planned: &PlannedSubtest,
    subtest: &SubtestRecord,
    registry: &Registry,
    paint: Paint,
    width: usize,
) {
    let (label, style) = paint::verdict(subtest.verdict.unwrap_or(SubtestVerdict::Error));
    let scenario = &planned.scenario;
    let id = paint.bold(&scenario.id);
    let _ = writeln!(text, "\n{} {id}: {}", paint.with(style, label), scenario.title);
    // A step that could not be evaluated has its own message; a panic or an interruption belongs to no step.
    let mut outcomes = subtest.bad_steps.iter().flat_map(|step| &step.outcomes);
    let is_explained = outcomes.any(|outcome| outcome.verdict == CheckVerdict::Error);
    if let (Some(SubtestVerdict::Error), false, Some(reason)) =
        (subtest.verdict, is_explained, &subtest.reason)
    {
        block(text, "reason", reason, width, paint);
    }
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut alike = 0;
    for step in &subtest.bad_steps {
        let bad: Vec<&str> = step.outcomes.iter().filter(|o| is_bad(o)).map(|o| o.message.as_str()).collect();
        let is_unjudged = step
            .outcomes
            .iter()
            .all(|outcome| !matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Waived));
        if is_unjudged && bad.iter().all(|message| told.contains(message) || *message == EARLIER) {
            alike += bad.len();
            continue;
        }
        told.extend(bad);
        let _ = writeln!(text);
        block(text, "step", &step.name, width, paint);
        for outcome in step.outcomes.iter().filter(|outcome| is_bad(outcome)) {
            check(text, outcome, registry, paint, width);
            let place = caret(&scenario.source, &outcome.span, &outcome.statements.join(", "), width);
            for line in place.lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        evidence(text, step, paint, width);
    }
    if alike > 0 {
        let (checks, were) = (counted(alike, "more check"), plural(alike, "was", "were"));
        let _ = writeln!(text);
        block(text, "", &format!("{checks} {were} not evaluated for the same reason"), width, paint);
    }
}

fn check(text: &mut String, outcome: &Outcome, registry: &Registry, paint: Paint, width: usize) {
    for id in &outcome.statements {
        let statement = registry.get(id).map_or("", |requirement| requirement.text.as_str());
        block(text, "statement", &format!("{id}: {statement}"), width, paint);
    }
    let wrong = match outcome.verdict {
        CheckVerdict::Fail => "wrong",
        CheckVerdict::Waived => "waived",
        _ => "error",
    };
    block(text, wrong, &outcome.message, width, paint);
    let is_diff = outcome.actual.lines().any(|line| line.starts_with("@@"));
    if is_diff {
        for line in outcome.actual.lines() {
            let painted = match line.chars().next() {
                Some('+') => paint.red(line),
                Some('-') => paint.green(line),
                _ => line.to_owned(),
            };
            let _ = writeln!(text, "  {:LABEL_WIDTH$}{painted}", "");
        }
    } else if matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Waived) {
        values(text, "expected", &outcome.expected, |value| paint.green(value));
        values(text, "actual", &outcome.actual, |value| paint.red(value));
    }
    for note in &outcome.notes {
        block(text, "note", note, width, paint);
    }
}

fn evidence(text: &mut String, step: &StepRecord, paint: Paint, width: usize) {
    for shown in step.exchanges.iter().take(MAX_EXCHANGES) {
        exchange(text, shown, paint);
    }
    if step.exchanges.len() > MAX_EXCHANGES {
        let more = step.exchanges.len() - MAX_EXCHANGES;
        block(text, "", &format!("… and {more} more concurrent exchanges"), width, paint);
    }
    if let Some(process) = &step.process {
        command(text, process, paint);
    }
    if let Some(wire) = &step.wire {
        let mut lines = vec![wire.command.clone()];
        lines.extend(wire.seen.iter().cloned());
        listed(text, "wire", &lines, paint);
    }
    if let Some(repeat) = &step.repeat {
        // Not wrapped, so that it can be pasted.
        let _ = writeln!(text, "  {}{repeat}", paint.faint(&format!("{:LABEL_WIDTH$}", "repeat")));
    }
}

fn exchange(text: &mut String, exchange: &Exchange, paint: Paint) {
    let mut lines = vec![format!("> {} {}", exchange.method, exchange.url)];
    lines.extend(exchange.request_headers.iter().map(|(name, value)| format!("> {name}: {value}")));
    if let Some(body) = &exchange.request_body {
        lines.extend(body_lines(body).map(|line| format!("> {line}")));
    }
    lines.push(format!("< {} after {:.0?}", exchange.status, exchange.took));
    let told = ["content-type", "location", "retry-after", "www-authenticate"];
    lines.extend(
        exchange
            .headers
            .iter()
            .filter(|(name, _)| told.contains(&name.as_str()))
            .map(|(name, value)| format!("< {name}: {value}")),
    );
    lines.extend(body_lines(&exchange.body).map(|line| format!("< {line}")));
    listed(text, "exchange", &lines, paint);
}

fn command(text: &mut String, process: &ProcessResult, paint: Paint) {
    let mut lines = vec![format!("$ {}", process.command)];
    lines.extend(process.stdout.lines().take(MAX_LINES).map(str::to_owned));
    lines.extend(process.stderr.lines().take(MAX_LINES).map(|line| format!("! {line}")));
    lines.push(match (process.running, process.exit) {
        (true, _) => format!("still running after {:.1?}", process.took),
        (false, Some(code)) => format!("exit {code} after {:.1?}", process.took),
        (false, None) => format!("ended without an exit code after {:.1?}", process.took),
    });
    for request in process.requests.iter().flatten() {
        lines.push(format!("> {request}"));
    }
    listed(text, "command", &lines, paint);
}

fn body_lines(body: &str) -> impl Iterator<Item = String> {
    let whole = pretty(body);
    let lines: Vec<String> = whole.lines().map(|line| line.chars().take(400).collect()).collect();
    let more = lines.len().saturating_sub(MAX_LINES);
    let rest = (more > 0).then(|| format!("… {more} more lines"));
    lines.into_iter().take(MAX_LINES).chain(rest)
}

fn block(text: &mut String, label: &str, content: &str, width: usize, paint: Paint) {
    let lines = wrap(content, width.saturating_sub(LABEL_WIDTH + 2).max(20));
    listed(text, label, &lines, paint);
}

fn values(text: &mut String, label: &str, content: &str, painted: impl Fn(&str) -> String) {
    for (position, line) in content.lines().take(MAX_LINES).enumerate() {
        let label = if position == 0 { label } else { "" };
        let _ = writeln!(text, "  {label:LABEL_WIDTH$}{}", painted(line));
    }
}

fn listed(text: &mut String, label: &str, lines: &[String], paint: Paint) {
    for (position, line) in lines.iter().enumerate() {
        let label = if position == 0 { label } else { "" };
        let label = paint.faint(&format!("{label:LABEL_WIDTH$}"));
        let _ = writeln!(text, "{}", format!("  {label}{line}").trim_end());
    }
}
