//! The changes between two results, and which of them are regressions.

use std::collections::BTreeMap;
use std::time::Duration;

use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;
use serde::Serialize;

use crate::headline;
use crate::results::{CheckResult, Results, SubtestResult};

use super::change::{Change, ChangeKind};
use super::check;
use super::state::State;

/// When a sub-test counts as slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowdownLimits {
    /// The factor that the duration must exceed.
    pub factor: f64,
    /// The minimum increase in milliseconds, so that noise does not count.
    pub floor_ms: u64,
    /// Whether a slower sub-test is a regression.
    pub is_regression: bool,
}

/// The differences between an earlier and a later result.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// How many changes are regressions.
    pub regressions: usize,
    /// All changes, the most serious first.
    pub changes: Vec<Change>,
    /// Differences that limit the comparison, such as another target.
    pub remarks: Vec<String>,
}

impl Comparison {
    /// Compares an earlier result with a later one.
    pub fn of(before: &Results, after: &Results, limits: SlowdownLimits) -> Self {
        let (old, new) = (by_id(before), by_id(after));
        let mut changes = Vec::new();
        for (id, is) in &new {
            match old.get(id) {
                Some(was) => {
                    changes.extend(subtest_changes(was, is));
                    changes.extend(slowdown(was, is, limits));
                }
                None => changes.extend(appearance(is)),
            }
        }
        let gone = || old.iter().filter(|(id, _)| !new.contains_key(*id)).map(|(_, was)| *was);
        let mut remarks = Vec::new();
        if !after.selection.is_narrowed_against(&before.selection) {
            changes.extend(gone().map(disappearance));
        } else if gone().next().is_some() {
            let count = gone().count();
            remarks.push(format!("not compared: {count} sub-tests that the later run did not select"));
        }
        changes.sort_by(|one, other| (one.kind, &one.subtest).cmp(&(other.kind, &other.subtest)));
        remarks.extend(differing_circumstances(before, after));
        let regressions = changes.iter().filter(|change| change.regression).count();
        Self { regressions, changes, remarks }
    }
}

/// Maps the sub-tests by id. Older results list each repetition; the last one counts.
fn by_id(results: &Results) -> BTreeMap<&str, &SubtestResult> {
    results.subtests.iter().map(|subtest| (subtest.id.as_str(), subtest)).collect()
}

fn subtest_changes(was: &SubtestResult, is: &SubtestResult) -> Vec<Change> {
    use SubtestVerdict::{Error, Fail, Pass, Skip, Waived};
    let has_passed = was.verdict == Pass;
    let change = |kind, regression| {
        let change = Change::of_subtest(is, kind, was.verdict.into(), is.verdict.into());
        vec![Change { regression, message: is.reason.clone(), ..change }]
    };
    match (was.verdict, is.verdict) {
        (Skip, Skip) | (Error, Error) => Vec::new(),
        (_, Skip) => change(ChangeKind::NewlySkipped, has_passed),
        (_, Error) => change(ChangeKind::NewlyErring, has_passed),
        (Skip | Error, Pass) => change(ChangeKind::NewlyPassing, false),
        (_, Pass | Fail | Waived) => check::changes(was, is),
    }
}

fn appearance(is: &SubtestResult) -> Vec<Change> {
    let failures = check::new_failures(&[], is);
    if failures.is_empty() {
        vec![Change::of_subtest(is, ChangeKind::Appeared, State::Absent, is.verdict.into())]
    } else {
        failures
    }
}

fn disappearance(was: &SubtestResult) -> Change {
    let is_judged = |check: &&CheckResult| !matches!(check.verdict, CheckVerdict::Skip | CheckVerdict::Error);
    let judged = was.checks.iter().filter(is_judged).count();
    Change {
        regression: was.verdict == SubtestVerdict::Pass,
        message: Some(format!("had {judged} judged checks")),
        ..Change::of_subtest(was, ChangeKind::Vanished, was.verdict.into(), State::Absent)
    }
}

fn slowdown(was: &SubtestResult, is: &SubtestResult, limits: SlowdownLimits) -> Option<Change> {
    let has_run =
        |subtest: &SubtestResult| !matches!(subtest.verdict, SubtestVerdict::Skip | SubtestVerdict::Error);
    let increase = is.duration_ms.saturating_sub(was.duration_ms);
    let [now, before] = [is.duration_ms, was.duration_ms.max(1)].map(Duration::from_millis);
    let factor = now.div_duration_f64(before);
    let is_slower = has_run(was) && has_run(is) && increase >= limits.floor_ms && factor > limits.factor;
    let took = |subtest: &SubtestResult| State::Took { milliseconds: subtest.duration_ms };
    is_slower.then(|| Change {
        regression: limits.is_regression,
        message: Some(format!("{factor:.1} times as long")),
        ..Change::of_subtest(is, ChangeKind::Slower, took(was), took(is))
    })
}

fn differing_circumstances(before: &Results, after: &Results) -> Vec<String> {
    let kit = |results: &Results| format!("{} {}", results.kit.name, results.kit.version);
    let mut remarks = Vec::new();
    let mut compare = |what: &str, was: String, is: String| {
        if was != is {
            remarks.push(format!("{what}: {was} before, {is} now"));
        }
    };
    compare("the target", before.target.name.clone(), after.target.name.clone());
    compare("the kit", kit(before), kit(after));
    compare("the verdict", headline::verdict(before), headline::verdict(after));
    compare("statements", headline::statements(&before.totals), headline::statements(&after.totals));
    if kit(before) == kit(after) && before.selection.scenarios != after.selection.scenarios {
        remarks.push("the scenarios differ".to_owned());
    }
    remarks
}
