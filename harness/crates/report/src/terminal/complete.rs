//! The sub-tests that did not pass, in full, as `-v` shows them.

use std::collections::BTreeSet;

use harness_model::check::outcome::{CheckVerdict, Outcome, UnevaluatedCause};
use harness_model::event::SubtestVerdict;
use harness_model::requirement::Registry;
use harness_model::scenario::model::Scenario;
use harness_model::text::{counted, plural};

use crate::record::{Record, StepRecord, SubtestRecord, is_bad};

use super::failed_step;
use super::page::Page;
use super::paint;
use super::wrap::wrap;

pub(super) fn write(page: &mut Page, record: &Record, registry: &Registry) {
    let mut without_steps: Vec<ByReason<'_>> = Vec::new();
    for (planned, subtest) in record.subtests() {
        let has_failed = matches!(subtest.verdict, Some(SubtestVerdict::Fail | SubtestVerdict::Error) | None);
        if has_failed && subtest.bad_steps.is_empty() {
            let reason = subtest.reason.as_deref().unwrap_or("did not finish");
            ByReason::add(&mut without_steps, reason, &planned.scenario);
        } else if has_failed {
            write_subtest(page, &planned.scenario, subtest, registry);
        }
    }
    for group in without_steps {
        group.write(page);
    }
}

fn write_subtest(page: &mut Page, scenario: &Scenario, subtest: &SubtestRecord, registry: &Registry) {
    let (label, style) = paint::verdict(subtest.verdict.unwrap_or(SubtestVerdict::Error));
    let (label, id) = (page.paint.with(style, label), page.paint.bold(&scenario.id));
    page.line("");
    page.line(&format!("{label} {id}: {}", scenario.title));
    // A step that could not be evaluated has its own message; a panic or an interruption belongs to no step.
    let mut outcomes = subtest.bad_steps.iter().flat_map(|step| &step.outcomes);
    let is_explained = outcomes.any(|outcome| outcome.verdict == CheckVerdict::Error);
    if let (Some(SubtestVerdict::Error), false, Some(reason)) =
        (subtest.verdict, is_explained, &subtest.reason)
    {
        page.block("reason", reason);
    }
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let mut omitted = 0;
    for step in &subtest.bad_steps {
        if adds_nothing(step, &shown) {
            omitted += bad_messages(step).count();
        } else {
            shown.extend(bad_messages(step));
            failed_step::write(page, scenario, step, registry);
        }
    }
    if omitted > 0 {
        let (checks, were) = (counted(omitted, "more check"), plural(omitted, "was", "were"));
        page.line("");
        page.block("", &format!("{checks} {were} not evaluated for the same reason"));
    }
}

/// Whether the step only repeats why the checks of a previous one could not be evaluated.
fn adds_nothing(step: &StepRecord, shown: &BTreeSet<&str>) -> bool {
    let was_evaluated = step
        .outcomes
        .iter()
        .any(|outcome| matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Waived));
    let mut bad = step.outcomes.iter().filter(|outcome| is_bad(outcome));
    !was_evaluated && bad.all(|outcome| is_blocked(outcome) || shown.contains(outcome.message.as_str()))
}

fn is_blocked(outcome: &Outcome) -> bool {
    outcome.unevaluated.as_ref().is_some_and(|found| found.cause == UnevaluatedCause::Blocked)
}

fn bad_messages(step: &StepRecord) -> impl Iterator<Item = &str> {
    step.outcomes.iter().filter(|outcome| is_bad(outcome)).map(|outcome| outcome.message.as_str())
}

/// Sub-tests that failed for the same reason before any step did.
struct ByReason<'a> {
    reason: &'a str,
    scenarios: Vec<&'a Scenario>,
}

impl<'a> ByReason<'a> {
    fn add(groups: &mut Vec<Self>, reason: &'a str, scenario: &'a Scenario) {
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) if group.scenarios.iter().any(|known| known.id == scenario.id) => {}
            Some(group) => group.scenarios.push(scenario),
            None => groups.push(Self { reason, scenarios: vec![scenario] }),
        }
    }

    fn write(&self, page: &mut Page) {
        let (label, style) = paint::verdict(SubtestVerdict::Error);
        let lines = match self.scenarios.as_slice() {
            [only] => vec![format!("{}: {}", page.paint.bold(&only.id), only.title)],
            all => {
                let ids: Vec<&str> = all.iter().map(|scenario| scenario.id.as_str()).collect();
                wrap(&ids.join(", "), page.width.saturating_sub(label.len() + 1))
            }
        };
        page.line("");
        for (position, line) in lines.iter().enumerate() {
            let label = if position == 0 { page.paint.with(style, label) } else { " ".repeat(label.len()) };
            page.line(&format!("{label} {line}"));
        }
        page.block("reason", self.reason);
    }
}
