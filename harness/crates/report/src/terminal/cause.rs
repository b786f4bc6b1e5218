//! Failures with the same cause, grouped.

use std::sync::LazyLock;

use regex::Regex;

use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::event::SubtestVerdict;
use harness_model::scenario::model::Scenario;

use crate::record::{Record, StepRecord, SubtestRecord, is_bad};

/// Sub-tests that failed for the same reason.
pub(super) struct FailureGroup<'a> {
    /// The first of them, which is shown in full.
    pub(super) first: Failure<'a>,
    pub(super) others: Vec<Failure<'a>>,
}

/// A sub-test that failed or ended without a verdict.
#[derive(Clone, Copy)]
pub(super) struct Failure<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) record: &'a SubtestRecord,
    /// What failed first, unless no step did.
    pub(super) cause: Option<Cause<'a>>,
}

/// The first failed check of a sub-test.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) step: &'a StepRecord,
    pub(super) outcome: &'a Outcome,
}

impl<'a> Failure<'a> {
    fn of(scenario: &'a Scenario, record: &'a SubtestRecord) -> Self {
        let bad = || {
            record.bad_steps.iter().flat_map(|step| {
                step.outcomes
                    .iter()
                    .filter(|outcome| is_bad(outcome))
                    .map(move |outcome| Cause { step, outcome })
            })
        };
        let has = |verdict| bad().find(move |cause| cause.outcome.verdict == verdict);
        let cause = has(CheckVerdict::Fail).or_else(|| bad().next());
        Self { scenario, record, cause }
    }

    /// Returns the verdict that is shown.
    pub(super) fn verdict(&self) -> SubtestVerdict {
        self.record.verdict.unwrap_or(SubtestVerdict::Error)
    }

    /// Returns what went wrong, in one line or several.
    pub(super) fn message(&self) -> &'a str {
        match (self.cause, self.record.reason.as_deref()) {
            (Some(cause), _) if cause.outcome.verdict == CheckVerdict::Fail => &cause.outcome.message,
            (_, Some(reason)) => reason,
            (Some(cause), None) => &cause.outcome.message,
            (None, None) => "did not finish",
        }
    }

    /// Returns the failed checks other than the first.
    pub(super) fn others(&self) -> impl Iterator<Item = &'a Outcome> {
        let first = self.cause.map(|cause| std::ptr::from_ref(cause.outcome));
        let bad =
            self.record.bad_steps.iter().flat_map(|step| &step.outcomes).filter(|outcome| is_bad(outcome));
        bad.filter(move |outcome| Some(std::ptr::from_ref(*outcome)) != first)
    }

    /// What a failure of the same cause shares: its message, apart from values of the run, or what it looks at and the
    /// statement.
    fn signs(&self) -> [String; 2] {
        let message = match VALUES_OF_A_RUN.as_ref() {
            Some(values) => values.replace_all(self.message(), "…").into_owned(),
            None => self.message().to_owned(),
        };
        let subject = message.split(": expected ").next().unwrap_or_default();
        let statement = self.cause.and_then(|cause| cause.outcome.statements.first());
        let sign = format!("{} {subject}", statement.map_or("", String::as_str));
        [message, sign]
    }
}

/// Groups the sub-tests that failed or ended without a verdict, in the plan's order.
pub(super) fn groups(record: &Record) -> Vec<FailureGroup<'_>> {
    let has_failed = |subtest: &SubtestRecord| {
        matches!(subtest.verdict, Some(SubtestVerdict::Fail | SubtestVerdict::Error) | None)
    };
    let failed = record.subtests().filter(|(_, subtest)| has_failed(subtest));
    let mut groups: Vec<(FailureGroup<'_>, Vec<String>)> = Vec::new();
    for (planned, subtest) in failed {
        let failure = Failure::of(&planned.scenario, subtest);
        let signs = failure.signs();
        let same = groups.iter_mut().find(|(group, known)| {
            group.first.verdict() == failure.verdict() && signs.iter().any(|sign| known.contains(sign))
        });
        match same {
            Some((group, known)) => {
                group.others.push(failure);
                known.extend(signs);
            }
            None => groups.push((FailureGroup { first: failure, others: Vec::new() }, signs.to_vec())),
        }
    }
    groups.into_iter().map(|(group, _)| group).collect()
}

/// Ids, times, keys and ports, which differ in each sub-test.
static VALUES_OF_A_RUN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let id = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22,}";
    let time = r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z?";
    Regex::new(&format!(r"{id}|{time}|\b[0-9a-fA-F]{{12,}}\b|127\.0\.0\.1:\d+")).ok()
});
