//! Evaluates a check: levels, alternatives and races.

use std::collections::{BTreeMap, BTreeSet};

use crate::requirement::Level;
use crate::scenario::model::{Check, Expectation, Quantity, Span, StatementId, Subject};

use super::context::CheckContext;
use super::evidence::Evidence;
use super::finding::{Finding, Judgement, View, Words};
use super::intermediary::{self, RateLimit, TOO_MANY_REQUESTS};
use super::outcome::{CheckVerdict, Outcome, Unevaluated, UnevaluatedCause};
use super::snapshot::{SnapshotMode, SnapshotSettings};
use super::subject;

/// Evaluates a check against the evidence of its step.
pub fn evaluate(check: &Check, evidence: &Evidence, context: &CheckContext<'_>) -> Outcome {
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
        unevaluated: None,
    };
    if statements.is_empty() {
        let reason = "statements of level `ours` are judged only on the reference";
        let cause = UnevaluatedCause::LeftOut;
        return Outcome {
            statements: check.verifies.clone(),
            unevaluated: Some(Unevaluated { cause, reason: reason.to_owned() }),
            ..outcome(CheckVerdict::Skip, reason)
        };
    }
    let views: Vec<View<'_>> = match evidence {
        Evidence::Http(exchanges) => exchanges.iter().map(View::Http).collect(),
        Evidence::Process(process) => vec![View::Process(process)],
        Evidence::Wire(result) => vec![View::Wire(result)],
        Evidence::Page(result) => vec![View::Page(result)],
        Evidence::Nothing => Vec::new(),
    };
    if views.is_empty() {
        return outcome(CheckVerdict::Error, "the step has no response to judge");
    }
    let results: Vec<CheckResult> = views.iter().map(|view| evaluate_view(check, *view, context)).collect();
    let limit = rate_limit(check, &results);
    let summary = summarise(check, &views, results);
    let strict = context.snapshots.strict && !summary.notes.is_empty();
    let verdict = match summary.judgement {
        Judgement::Unknown => CheckVerdict::Error,
        Judgement::Unmet => CheckVerdict::Fail,
        Judgement::Met if strict => CheckVerdict::Fail,
        Judgement::Met => CheckVerdict::Pass,
    };
    let hint = match (evidence, verdict) {
        (Evidence::Http(exchanges), CheckVerdict::Fail) => {
            intermediary::hint(exchanges, limit, context.secrets)
        }
        _ => None,
    };
    let message = if strict && summary.judgement == Judgement::Met {
        format!("under --strict: {}", summary.notes.join("; "))
    } else {
        match hint {
            Some(hint) => format!("{}; {hint}", summary.message),
            None => summary.message,
        }
    };
    Outcome {
        statements,
        verdict,
        expected: summary.expected,
        actual: summary.actual,
        message,
        span: summary.span,
        notes: summary.notes,
        unevaluated: None,
        seen: match (evidence, verdict) {
            (_, CheckVerdict::Pass) => Vec::new(),
            (Evidence::Wire(result), _) => result.seen.clone(),
            _ => Vec::new(),
        },
    }
}

/// Determines whether the check can have failed because the target limits the request rate.
fn rate_limit(check: &Check, results: &[CheckResult]) -> RateLimit {
    let is_expected = check.alternatives.iter().flatten().any(|expectation| {
        matches!(&expectation.subject, Subject::Status(expected) if expected.contains(&TOO_MANY_REQUESTS))
    });
    let most = match check.quantity {
        Quantity::Exactly(count) | Quantity::AtMost(count) => count as usize,
        Quantity::Each | Quantity::AtLeast(_) => results.len(),
    };
    match is_expected || met(results) > most {
        true => RateLimit::Wanted,
        false => RateLimit::Harmful,
    }
}

fn met(results: &[CheckResult]) -> usize {
    results.iter().filter(|result| result.judgement == Judgement::Met).count()
}

/// Returns the statements of the check that apply to this target.
fn judged_statements(check: &Check, context: &CheckContext<'_>) -> Vec<StatementId> {
    let is_ours = |id: &str| context.registry.get(id).is_some_and(|known| known.level == Level::Ours);
    check.verifies.iter().filter(|id| context.judges_ours || !is_ours(id)).cloned().collect()
}

/// The result of a check for one response, or for all of them.
#[derive(Debug, Clone)]
struct CheckResult {
    judgement: Judgement,
    expected: String,
    actual: String,
    message: String,
    span: Span,
    notes: Vec<String>,
}

/// Evaluates a check against one response: at least one alternative must be met.
fn evaluate_view(check: &Check, view: View<'_>, context: &CheckContext<'_>) -> CheckResult {
    let mut unmet: Vec<CheckResult> = Vec::new();
    for alternative in &check.alternatives {
        let result = evaluate_alternative(alternative, view, context, &check.span);
        if result.judgement == Judgement::Met || check.alternatives.len() == 1 {
            return result;
        }
        unmet.push(result);
    }
    match unmet.as_slice() {
        [] => CheckResult {
            judgement: Judgement::Unknown,
            expected: String::new(),
            actual: String::new(),
            message: "the check has no expectation".to_owned(),
            span: check.span.clone(),
            notes: Vec::new(),
        },
        several => no_alternative(check, several),
    }
}

fn no_alternative(check: &Check, unmet: &[CheckResult]) -> CheckResult {
    let numbered = |text: fn(&CheckResult) -> &str| {
        let lines: Vec<String> =
            unmet.iter().zip(1..).map(|(result, n)| format!("({n}) {}", text(result))).collect();
        lines.join("\n")
    };
    let messages: Vec<String> =
        unmet.iter().zip(1..).map(|(result, n)| format!("({n}) {}", result.message)).collect();
    CheckResult {
        // A failure counts even if other alternatives could not be judged.
        judgement: if unmet.iter().any(|result| result.judgement == Judgement::Unmet) {
            Judgement::Unmet
        } else {
            Judgement::Unknown
        },
        expected: format!("one of these:\n{}", numbered(|result| &result.expected)),
        actual: numbered(|result| &result.actual),
        message: format!("no alternative is met: {}", messages.join("; ")),
        span: check.span.clone(),
        notes: Vec::new(),
    }
}

/// Evaluates one alternative against one response: all its expectations must be met.
fn evaluate_alternative(
    expectations: &[Expectation],
    view: View<'_>,
    context: &CheckContext<'_>,
    span: &Span,
) -> CheckResult {
    let is_snapshot = |expectation: &&Expectation| matches!(expectation.subject, Subject::Snapshot(_));
    let judge = |expectation: &Expectation, context: &CheckContext<'_>| {
        subject::judge(&expectation.subject, view, context)
    };
    let mut findings: Vec<(&Span, Finding)> = expectations
        .iter()
        .filter(|expectation| !is_snapshot(expectation))
        .map(|expectation| (&expectation.span, judge(expectation, context)))
        .collect();
    // A response that fails another expectation must not become a snapshot.
    let are_others_met = findings.iter().all(|(_, finding)| finding.judgement == Judgement::Met);
    let mode = if are_others_met { context.snapshots.mode } else { SnapshotMode::Compare };
    let context = CheckContext { snapshots: SnapshotSettings { mode, ..context.snapshots }, ..*context };
    let snapshots = expectations.iter().filter(is_snapshot);
    findings.extend(snapshots.map(|expectation| (&expectation.span, judge(expectation, &context))));
    let mut notes: Vec<String> = findings.iter().flat_map(|(_, finding)| finding.notes.clone()).collect();
    // Expectations of one response may note the same.
    let mut noted = BTreeSet::new();
    notes.retain(|note| noted.insert(note.clone()));
    let failed: Vec<&(&Span, Finding)> =
        findings.iter().filter(|(_, finding)| finding.judgement != Judgement::Met).collect();
    let decisive =
        failed.iter().find(|(_, finding)| finding.judgement == Judgement::Unmet).or(failed.first());
    let Some((decisive_span, finding)) = decisive else {
        let joined = |texts: &[String]| {
            let all =
                findings.iter().zip(texts).map(|((_, finding), text)| format!("{}: {text}", finding.label));
            all.collect::<Vec<_>>().join("; ")
        };
        let expected: Vec<String> =
            findings.iter().map(|(_, finding)| finding.expected_text(context.secrets)).collect();
        let expected = joined(&expected);
        let actual: Vec<String> =
            findings.iter().map(|(_, finding)| finding.actual_line(context.secrets)).collect();
        let actual = joined(&actual);
        let span = findings.first().map_or(span, |(span, _)| *span).clone();
        return CheckResult {
            judgement: Judgement::Met,
            message: expected.clone(),
            expected,
            actual,
            span,
            notes,
        };
    };
    let others: Vec<&str> = failed
        .iter()
        .map(|(_, finding)| finding.label.as_str())
        .filter(|other| *other != finding.label)
        .collect();
    let Words { expected, actual, mut message } = finding.words(context.secrets);
    if !others.is_empty() {
        message.push_str(&format!(" (also unmet: {})", others.join(", ")));
    }
    CheckResult {
        judgement: finding.judgement,
        expected: format!("{}: {expected}", finding.label),
        actual: format!("{}: {actual}", finding.label),
        message,
        span: (*decisive_span).clone(),
        notes,
    }
}

/// Combines the results of a race according to the quantity of the check.
fn summarise(check: &Check, views: &[View<'_>], mut results: Vec<CheckResult>) -> CheckResult {
    let total = results.len();
    if total == 1
        && check.quantity == Quantity::Each
        && let Some(only) = results.pop()
    {
        return only;
    }
    let met = met(&results);
    let unknown = results.iter().find(|result| result.judgement == Judgement::Unknown);
    let failed = results.iter().find(|result| result.judgement == Judgement::Unmet);
    let example = failed.or(unknown).or(results.first());
    let Some(example) = example else { return no_response(check) };
    let (quantity, is_right) = match check.quantity {
        Quantity::Each => (format!("all {total} responses"), met == total),
        Quantity::Exactly(count) => (format!("exactly {count} of {total} responses"), met == count as usize),
        Quantity::AtLeast(count) => (format!("at least {count} of {total} responses"), met >= count as usize),
        Quantity::AtMost(count) => (format!("at most {count} of {total} responses"), met <= count as usize),
    };
    let judgement = match unknown {
        Some(_) if failed.is_none() || check.quantity != Quantity::Each => Judgement::Unknown,
        _ if is_right => Judgement::Met,
        _ => Judgement::Unmet,
    };
    let tally = tally(views);
    let met_example = results.iter().find(|result| result.judgement == Judgement::Met).unwrap_or(example);
    let condition = if check.quantity == Quantity::Each { &example.expected } else { &met_example.expected };
    let mut message = format!("expected {quantity} to match, got {met}: {tally}");
    if judgement == Judgement::Unknown || check.quantity == Quantity::Each && !is_right {
        message.push_str(&format!(" (for example: {})", example.message));
    }
    CheckResult {
        judgement,
        expected: format!("{quantity}: {condition}"),
        actual: format!("{met} of {total}: {tally}"),
        message,
        span: example.span.clone(),
        notes: results.iter().flat_map(|result| result.notes.clone()).collect(),
    }
}

fn no_response(check: &Check) -> CheckResult {
    CheckResult {
        judgement: Judgement::Unknown,
        expected: String::new(),
        actual: String::new(),
        message: "the step has no response to judge".to_owned(),
        span: check.span.clone(),
        notes: Vec::new(),
    }
}

/// Counts responses by status, as in `201×3, 401×29`.
fn tally(views: &[View<'_>]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for view in views {
        let what = match view {
            View::Http(exchange) => exchange.status.to_string(),
            View::Process(process) => {
                process.exit.map_or("no exit code".to_owned(), |code| format!("exit {code}"))
            }
            View::Wire(result) => result.command.clone(),
            View::Page(result) => result.command.clone(),
        };
        *counts.entry(what).or_default() += 1;
    }
    counts.iter().map(|(what, count)| format!("{what}×{count}")).collect::<Vec<_>>().join(", ")
}
