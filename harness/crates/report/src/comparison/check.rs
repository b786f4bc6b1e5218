//! Compares the checks of a sub-test. Checks have no ids: those on the same statements, such as several rows or steps,
//! are compared as a group.

use std::collections::BTreeMap;

use harness_model::check::outcome::CheckVerdict;

use crate::results::{CheckResult, SubtestResult};

use super::change::{Change, ChangeKind};
use super::state::State;

/// Returns the changes of a sub-test that ran both times.
pub(super) fn changes(was: &SubtestResult, is: &SubtestResult) -> Vec<Change> {
    let (old, new) = (Group::by_statements(&was.checks), Group::by_statements(&is.checks));
    let of_checks = |statements: &[String], kind, regression, was, is_now| Change {
        requirements: statements.to_vec(),
        regression,
        ..Change::of_subtest(is, kind, was, is_now)
    };
    let mut changes = new_failures(&was.checks, is);
    // A step without checks that fails has no statements.
    for (statements, group) in new.iter().filter(|(statements, _)| !statements.is_empty()) {
        let (before, now) = (old.get(statements).map_or(State::Absent, Group::state), group.state());
        if let Some((kind, regression)) = improvement_or_loss(before, now) {
            changes.push(of_checks(statements, kind, regression, before, now));
        }
    }
    for (statements, group) in old.iter().filter(|(statements, _)| !statements.is_empty()) {
        if !new.contains_key(statements) {
            let before = group.state();
            let regression = before == State::Pass;
            changes.push(of_checks(statements, ChangeKind::Vanished, regression, before, State::Absent));
        }
    }
    changes
}

/// Returns a change for each group that fails in more places than before, with the first new failure.
pub(super) fn new_failures(before: &[CheckResult], is: &SubtestResult) -> Vec<Change> {
    let old = Group::by_statements(before);
    let mut changes = Vec::new();
    for (statements, now) in Group::by_statements(&is.checks) {
        let known = old.get(statements);
        let known_failures = known.map_or(&[] as &[&CheckResult], |group| &group.failed);
        if now.failed.len() <= known_failures.len() {
            continue;
        }
        let is_known = |check: &CheckResult| known_failures.iter().any(|known| known.step == check.step);
        let shown = now.failed.iter().find(|check| !is_known(check)).or(now.failed.first());
        let was = known.map_or(State::Absent, Group::state);
        changes.push(Change {
            regression: true,
            requirements: statements.to_vec(),
            message: shown.map(|check| format!("{}: {}", check.step, check.message)),
            location: shown.map(|check| check.location.clone()),
            ..Change::of_subtest(is, ChangeKind::NewlyFailing, was, State::Fail)
        });
    }
    changes
}

/// Returns the kind of a change other than a new failure, and whether it is a regression.
fn improvement_or_loss(before: State, now: State) -> Option<(ChangeKind, bool)> {
    match (before, now) {
        (State::Fail | State::Waived | State::NotEvaluated, State::Pass) => {
            Some((ChangeKind::NewlyPassing, false))
        }
        (State::Absent, State::Pass) => Some((ChangeKind::Appeared, false)),
        (State::Waived, State::Waived) => None,
        (_, State::Waived) => Some((ChangeKind::NewlyWaived, false)),
        (State::Pass, State::NotEvaluated) => Some((ChangeKind::NewlyErring, true)),
        _ => None,
    }
}

/// The checks of a sub-test on the same statements.
#[derive(Default)]
struct Group<'a> {
    passed: usize,
    waived: usize,
    failed: Vec<&'a CheckResult>,
}

impl<'a> Group<'a> {
    fn by_statements(checks: &'a [CheckResult]) -> BTreeMap<&'a [String], Self> {
        let mut groups: BTreeMap<&[String], Group<'_>> = BTreeMap::new();
        for check in checks {
            let group = groups.entry(check.requirements.as_slice()).or_default();
            match check.verdict {
                CheckVerdict::Pass => group.passed += 1,
                CheckVerdict::Waived => group.waived += 1,
                CheckVerdict::Fail => group.failed.push(check),
                CheckVerdict::Skip | CheckVerdict::Error => {}
            }
        }
        groups
    }

    /// The worst state of its checks.
    fn state(&self) -> State {
        match (self.failed.len(), self.waived, self.passed) {
            (1.., _, _) => State::Fail,
            (0, 1.., _) => State::Waived,
            (0, 0, 1..) => State::Pass,
            (0, 0, 0) => State::NotEvaluated,
        }
    }
}
