//! Judges one check.

use std::collections::BTreeMap;

use crate::requirement::Level;
use crate::scenario::model::{Check, Expectation, Quantity, Span, StatementId, Subject};

use super::context::Context;
use super::evidence::Evidence;
use super::finding::{Finding, Held, View};
use super::foreign;
use super::outcome::{CheckVerdict, Outcome};
use super::snapshot::{Mode, Snapshots};
use super::subject;
use super::wording;

/// Judges the check by what the step saw.
pub fn evaluate(check: &Check, evidence: &Evidence, context: &Context<'_>) -> Outcome {
    let statements = judged_statements(check, context);
    let outcome = |verdict, message: &str| Outcome {
        statements: statements.clone(),
        verdict,
        expected: String::new(),
        actual: String::new(),
        message: message.to_owned(),
        span: check.span.clone(),
        notes: Vec::new(),
        seen: Vec::new(),
    };
    if statements.is_empty() {
        let skipped = outcome(CheckVerdict::Skip, "a choice of the reference, judged on the reference alone");
        return Outcome { statements: check.verifies.clone(), ..skipped };
    }
    let views: Vec<View<'_>> = match evidence {
        Evidence::Http(exchanges) => exchanges.iter().map(View::Http).collect(),
        Evidence::Process(process) => vec![View::Process(process)],
        Evidence::Wire(result) => vec![View::Wire(result)],
        Evidence::Nothing => Vec::new(),
    };
    if views.is_empty() {
        return outcome(CheckVerdict::Error, "the step left nothing to judge");
    }
    let answers: Vec<Answer> = views.iter().map(|view| answer(check, *view, context)).collect();
    let summary = summarize(check, &views, &answers);
    let strict = context.snapshots.strict && !summary.notes.is_empty();
    let verdict = match summary.held {
        Held::Unknown => CheckVerdict::Error,
        Held::No => CheckVerdict::Fail,
        Held::Yes if strict => CheckVerdict::Fail,
        Held::Yes => CheckVerdict::Pass,
    };
    let foreign = match (evidence, verdict) {
        (Evidence::Http(exchanges), CheckVerdict::Fail) => foreign::remark(exchanges),
        _ => None,
    };
    let message = if strict && summary.held == Held::Yes {
        format!("under --strict: {}", summary.notes.join("; "))
    } else {
        foreign.map_or(summary.message.clone(), |remark| format!("{}; {remark}", summary.message))
    };
    Outcome {
        statements,
        verdict,
        expected: summary.expected,
        actual: summary.actual,
        message,
        span: summary.span,
        notes: summary.notes,
        seen: match (evidence, verdict) {
            (_, CheckVerdict::Pass) => Vec::new(),
            (Evidence::Wire(result), _) => result.seen.clone(),
            _ => Vec::new(),
        },
    }
}

/// The statements of the check that are judged on this target.
fn judged_statements(check: &Check, context: &Context<'_>) -> Vec<StatementId> {
    let is_ours = |id: &str| context.registry.get(id).is_some_and(|known| known.level == Level::Ours);
    check.verifies.iter().filter(|id| context.judges_ours || !is_ours(id)).cloned().collect()
}

/// What is said of one answer, or of all of them.
#[derive(Debug, Clone)]
struct Answer {
    held: Held,
    expected: String,
    actual: String,
    message: String,
    span: Span,
    notes: Vec<String>,
}

/// One answer against the whole check: at least one alternative must hold.
fn answer(check: &Check, view: View<'_>, context: &Context<'_>) -> Answer {
    let mut groups: Vec<Answer> = Vec::new();
    for alternative in &check.alternatives {
        let group = group(alternative, view, context, &check.span);
        if group.held == Held::Yes {
            return group;
        }
        groups.push(group);
    }
    let mut groups_iter = groups.iter();
    match (groups_iter.next(), groups_iter.next()) {
        (Some(only), None) => only.clone(),
        (None, _) => Answer {
            held: Held::Unknown,
            expected: String::new(),
            actual: String::new(),
            message: "the check expects nothing".to_owned(),
            span: check.span.clone(),
            notes: Vec::new(),
        },
        _ => no_alternative(check, &groups),
    }
}

fn no_alternative(check: &Check, groups: &[Answer]) -> Answer {
    let numbered = |text: fn(&Answer) -> &str| {
        let lines: Vec<String> =
            groups.iter().zip(1..).map(|(group, n)| format!("({n}) {}", text(group))).collect();
        lines.join("\n")
    };
    let missed: Vec<String> =
        groups.iter().zip(1..).map(|(group, n)| format!("({n}) {}", group.message)).collect();
    Answer {
        // A failure speaks against the target, whatever could not be judged beside it.
        held: if groups.iter().any(|group| group.held == Held::No) { Held::No } else { Held::Unknown },
        expected: format!("one of these:\n{}", numbered(|group| &group.expected)),
        actual: numbered(|group| &group.actual),
        message: format!("none of {} alternatives holds: {}", groups.len(), missed.join("; ")),
        span: check.span.clone(),
        notes: Vec::new(),
    }
}

/// One answer against expectations all of which must hold.
fn group(expectations: &[Expectation], view: View<'_>, context: &Context<'_>, span: &Span) -> Answer {
    let is_snapshot = |expectation: &&Expectation| matches!(expectation.subject, Subject::Snapshot(_));
    let judge = |expectation: &Expectation, context: &Context<'_>| {
        subject::judge(&expectation.subject, view, context)
    };
    let mut findings: Vec<(&Span, Finding)> = expectations
        .iter()
        .filter(|expectation| !is_snapshot(expectation))
        .map(|expectation| (&expectation.span, judge(expectation, context)))
        .collect();
    // An answer that is wrong already is neither accepted nor proposed.
    let is_right = findings.iter().all(|(_, finding)| finding.held == Held::Yes);
    let mode = if is_right { context.snapshots.mode } else { Mode::Compare };
    let context = Context { snapshots: Snapshots { mode, ..context.snapshots }, ..*context };
    let snapshots = expectations.iter().filter(is_snapshot);
    findings.extend(snapshots.map(|expectation| (&expectation.span, judge(expectation, &context))));
    let notes = findings.iter().flat_map(|(_, finding)| finding.notes.clone()).collect();
    let failed: Vec<&(&Span, Finding)> =
        findings.iter().filter(|(_, finding)| finding.held != Held::Yes).collect();
    let decisive = failed.iter().find(|(_, finding)| finding.held == Held::No).or(failed.first());
    let Some((place, finding)) = decisive else {
        let joined = |text: fn(&Finding) -> String| {
            findings.iter().map(|(_, finding)| text(finding)).collect::<Vec<_>>().join("; ")
        };
        let expected = joined(|finding| format!("{}: {}", finding.place, finding.expected));
        let actual = joined(|finding| format!("{}: {}", finding.place, wording::short(&finding.actual)));
        let span = findings.first().map_or(span, |(span, _)| *span).clone();
        return Answer { held: Held::Yes, message: expected.clone(), expected, actual, span, notes };
    };
    let others: Vec<&str> = failed
        .iter()
        .map(|(_, finding)| finding.place.as_str())
        .filter(|other| *other != finding.place)
        .collect();
    let mut message = finding.message.clone();
    if !others.is_empty() {
        message.push_str(&format!(" (not as expected either: {})", others.join(", ")));
    }
    Answer {
        held: finding.held,
        expected: format!("{}: {}", finding.place, finding.expected),
        actual: format!("{}: {}", finding.place, finding.actual),
        message,
        span: (*place).clone(),
        notes,
    }
}

/// All answers of a race against how many are to hold; of one answer, itself.
fn summarize(check: &Check, views: &[View<'_>], answers: &[Answer]) -> Answer {
    let total = answers.len();
    let held = answers.iter().filter(|answer| answer.held == Held::Yes).count();
    let unknown = answers.iter().find(|answer| answer.held == Held::Unknown);
    let failed = answers.iter().find(|answer| answer.held == Held::No);
    let example = failed.or(unknown).or(answers.first());
    let Some(example) = example else { return empty(check) };
    if total == 1 && check.quantity == Quantity::Each {
        return example.clone();
    }
    let (wanted, right) = match check.quantity {
        Quantity::Each => (format!("all {total} answers"), held == total),
        Quantity::Exactly(count) => (format!("exactly {count} of {total} answers"), held == count as usize),
        Quantity::AtLeast(count) => (format!("at least {count} of {total} answers"), held >= count as usize),
        Quantity::AtMost(count) => (format!("at most {count} of {total} answers"), held <= count as usize),
    };
    let verdict = match unknown {
        Some(_) if failed.is_none() || check.quantity != Quantity::Each => Held::Unknown,
        _ if right => Held::Yes,
        _ => Held::No,
    };
    let tally = tally(views);
    let holding = answers.iter().find(|answer| answer.held == Held::Yes).unwrap_or(example);
    let condition = if check.quantity == Quantity::Each { &example.expected } else { &holding.expected };
    let mut message = format!("{wanted} should be as expected; {held} were: {tally}");
    if verdict == Held::Unknown || check.quantity == Quantity::Each && !right {
        message.push_str(&format!(" (one of the others: {})", example.message));
    }
    Answer {
        held: verdict,
        expected: format!("{wanted}: {condition}"),
        actual: format!("{held} of {total}: {tally}"),
        message,
        span: example.span.clone(),
        notes: answers.iter().flat_map(|answer| answer.notes.clone()).collect(),
    }
}

fn empty(check: &Check) -> Answer {
    Answer {
        held: Held::Unknown,
        expected: String::new(),
        actual: String::new(),
        message: "the step left nothing to judge".to_owned(),
        span: check.span.clone(),
        notes: Vec::new(),
    }
}

/// `201×3, 401×29`, the most frequent of equal statuses being no different from the rest.
fn tally(views: &[View<'_>]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for view in views {
        let what = match view {
            View::Http(exchange) => exchange.status.to_string(),
            View::Process(process) => {
                process.exit.map_or("no exit".to_owned(), |code| format!("exit {code}"))
            }
            View::Wire(result) => result.command.clone(),
        };
        *counts.entry(what).or_default() += 1;
    }
    counts.iter().map(|(what, count)| format!("{what}×{count}")).collect::<Vec<_>>().join(", ")
}
