//! Compares two results of the same sub-tests.

mod render;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::results::{CheckResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;

pub use render::{markdown, text};

/// When a sub-test counts as slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
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

/// A change of a sub-test or of one of its checks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub kind: Kind,
    pub regression: bool,
    /// The sub-test's id.
    pub subtest: String,
    /// The statements of the check; empty if the whole sub-test changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    pub was: String,
    pub is: String,
    /// The failure, or the reason why there is no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `FILE:LINE` of the expectation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Kinds of change, the most serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Fails, or fails in one more place.
    NewlyFailing,
    /// Had a verdict and now ends in an error.
    NewlyErring,
    /// Ran and is now skipped.
    NewlySkipped,
    /// Is no longer part of the results.
    Vanished,
    /// Takes longer.
    Slower,
    /// Fails, but is waived.
    NewlyWaived,
    /// Did not pass and now does.
    NewlyPassing,
    /// Is new in the results.
    Appeared,
}

impl std::fmt::Display for Change {
    /// Writes the change on one line.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.kind.in_words(), self.subtest)?;
        if !self.requirements.is_empty() {
            write!(formatter, " {}", self.requirements.join(", "))?;
        }
        write!(formatter, " ({} → {})", self.was, self.is)
    }
}

impl Kind {
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NewlyFailing => "newly failing",
            Self::NewlyErring => "newly erring",
            Self::NewlySkipped => "newly skipped",
            Self::Vanished => "vanished",
            Self::Slower => "slower",
            Self::NewlyWaived => "newly waived",
            Self::NewlyPassing => "newly passing",
            Self::Appeared => "appeared",
        }
    }
}

impl Comparison {
    /// Compares an earlier result with a later one.
    pub fn of(before: &Results, after: &Results, patience: Patience) -> Self {
        let mut changes = Vec::new();
        let mut remarks = Vec::new();
        let (old, new) = (by_id(before), by_id(after));
        let is_narrowed = after.selection.is_narrowed_against(&before.selection);
        let mut left_out = 0;
        for (id, was) in &old {
            match new.get(id) {
                Some(is) => {
                    of_subtest(was, is, &mut changes);
                    changes.extend(slower(was, is, patience));
                }
                None if is_narrowed => left_out += 1,
                None => changes.push(Change {
                    message: Some(format!("had {} judged checks", judged(was))),
                    ..whole(Kind::Vanished, has_passed(was.verdict), was, word(was.verdict), "not there")
                }),
            }
        }
        if left_out > 0 {
            remarks.push(format!("not compared: {left_out} sub-tests that the later run did not select"));
        }
        for (id, is) in new.iter().filter(|(id, _)| !old.contains_key(*id)) {
            let _ = id;
            let first = changes.len();
            failures(&[], is, &mut changes);
            if changes.len() == first {
                changes.push(whole(Kind::Appeared, false, is, "not there", word(is.verdict)));
            }
        }
        changes.sort_by_key(|change| change.kind);
        let regressions = changes.iter().filter(|change| change.regression).count();
        remarks.extend(unlike(before, after));
        Self { regressions, changes, remarks }
    }
}

/// Maps the sub-tests by id. Older results list each repetition; the last one counts.
fn by_id(results: &Results) -> BTreeMap<&str, &SubtestResult> {
    results.subtests.iter().map(|subtest| (subtest.id.as_str(), subtest)).collect()
}

fn unlike(before: &Results, after: &Results) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut differ = |what: &str, was: String, is: String| {
        if was != is {
            remarks.push(format!("{what}: {was} before, {is} now"));
        }
    };
    differ("the target", before.target.name.clone(), after.target.name.clone());
    let kit = |results: &Results| format!("{} {}", results.kit.name, results.kit.version);
    differ("the kit", kit(before), kit(after));
    if kit(before) == kit(after) && before.selection.scenarios != after.selection.scenarios {
        remarks.push("the scenarios differ".to_owned());
    }
    remarks
}

fn of_subtest(was: &SubtestResult, is: &SubtestResult, changes: &mut Vec<Change>) {
    use SubtestVerdict::{Error, Fail, Pass, Skip, Waived};
    let told = |kind, regression| Change {
        message: is.reason.clone(),
        ..whole(kind, regression, was, word(was.verdict), word(is.verdict))
    };
    match (was.verdict, is.verdict) {
        (Skip, Skip) | (Error, Error) => {}
        (_, Skip) => changes.push(told(Kind::NewlySkipped, has_passed(was.verdict))),
        (_, Error) => changes.push(told(Kind::NewlyErring, has_passed(was.verdict))),
        (Skip | Error, Pass) => changes.push(told(Kind::NewlyPassing, false)),
        (_, Pass | Fail | Waived) => check_by_check(was, is, changes),
    }
}

/// The checks of a sub-test on the same statements: several rows, or several steps.
#[derive(Default)]
struct Group<'a> {
    passed: usize,
    waived: usize,
    failed: Vec<&'a CheckResult>,
    others: usize,
}

impl Group<'_> {
    fn word(&self) -> &'static str {
        match (self.failed.len(), self.waived, self.passed) {
            (1.., ..) => "fail",
            (0, 1.., _) => "waived",
            (0, 0, 1..) => "pass",
            _ => "not judged",
        }
    }
}

fn groups(checks: &[CheckResult]) -> BTreeMap<&[String], Group<'_>> {
    let mut groups: BTreeMap<&[String], Group<'_>> = BTreeMap::new();
    for check in checks {
        let group = groups.entry(check.requirements.as_slice()).or_default();
        match check.verdict {
            CheckVerdict::Pass => group.passed += 1,
            CheckVerdict::Waived => group.waived += 1,
            CheckVerdict::Fail => group.failed.push(check),
            CheckVerdict::Skip | CheckVerdict::Error => group.others += 1,
        }
    }
    groups
}

fn check_by_check(was: &SubtestResult, is: &SubtestResult, changes: &mut Vec<Change>) {
    let (old, new) = (groups(&was.checks), groups(&is.checks));
    failures(&was.checks, is, changes);
    for (requirements, now) in new.iter().filter(|(requirements, _)| !requirements.is_empty()) {
        let before = old.get(requirements).map_or("not there", Group::word);
        let (word, of_check) = (now.word(), |kind, regression| {
            let change = whole(kind, regression, is, before, now.word());
            Change { requirements: requirements.to_vec(), ..change }
        });
        match (before, word) {
            ("fail" | "waived" | "not judged", "pass") => changes.push(of_check(Kind::NewlyPassing, false)),
            ("not there", "pass") => changes.push(of_check(Kind::Appeared, false)),
            ("waived", "waived") => {}
            (_, "waived") => changes.push(of_check(Kind::NewlyWaived, false)),
            ("pass", "not judged") => changes.push(of_check(Kind::NewlyErring, true)),
            _ => {}
        }
    }
    for (requirements, before) in old.iter().filter(|(requirements, _)| !requirements.is_empty()) {
        if !new.contains_key(requirements) {
            let change = whole(Kind::Vanished, before.word() == "pass", is, before.word(), "not there");
            changes.push(Change { requirements: requirements.to_vec(), ..change });
        }
    }
}

/// What fails at more places than before, the place and message of the first that is new.
fn failures(before: &[CheckResult], is: &SubtestResult, changes: &mut Vec<Change>) {
    let old = groups(before);
    for (requirements, now) in groups(&is.checks) {
        let known = old.get(requirements);
        let failed = known.map_or(&[] as &[&CheckResult], |group| &group.failed);
        if now.failed.len() <= failed.len() {
            continue;
        }
        let is_known = |check: &CheckResult| failed.iter().any(|known| known.step == check.step);
        let shown = now.failed.iter().find(|check| !is_known(check)).or(now.failed.first());
        let was = known.map_or("not there", Group::word);
        changes.push(Change {
            requirements: requirements.to_vec(),
            message: shown.map(|check| format!("{}: {}", check.step, check.message)),
            location: shown.map(|check| check.location.clone()),
            ..whole(Kind::NewlyFailing, true, is, was, "fail")
        });
    }
}

fn slower(was: &SubtestResult, is: &SubtestResult, patience: Patience) -> Option<Change> {
    let ran =
        |subtest: &SubtestResult| !matches!(subtest.verdict, SubtestVerdict::Skip | SubtestVerdict::Error);
    let more = is.duration_ms.saturating_sub(was.duration_ms);
    let [now, before] = [is.duration_ms, was.duration_ms.max(1)].map(Duration::from_millis);
    let factor = now.div_duration_f64(before);
    let is_slower = ran(was) && ran(is) && more >= patience.floor_ms && factor > patience.factor;
    is_slower.then(|| Change {
        was: format!("{} ms", was.duration_ms),
        is: format!("{} ms", is.duration_ms),
        message: Some(format!("{factor:.1} times as long")),
        ..whole(Kind::Slower, patience.is_regression, is, "", "")
    })
}

/// A change of a sub-test as a whole.
fn whole(kind: Kind, regression: bool, subtest: &SubtestResult, was: &str, is: &str) -> Change {
    Change {
        kind,
        regression,
        subtest: subtest.id.clone(),
        requirements: Vec::new(),
        was: was.to_owned(),
        is: is.to_owned(),
        message: None,
        location: None,
    }
}

fn judged(subtest: &SubtestResult) -> usize {
    let is_judged = |check: &&CheckResult| !matches!(check.verdict, CheckVerdict::Skip | CheckVerdict::Error);
    subtest.checks.iter().filter(is_judged).count()
}

fn has_passed(verdict: SubtestVerdict) -> bool {
    verdict == SubtestVerdict::Pass
}

fn word(verdict: SubtestVerdict) -> &'static str {
    match verdict {
        SubtestVerdict::Pass => "pass",
        SubtestVerdict::Fail => "fail",
        SubtestVerdict::Skip => "skip",
        SubtestVerdict::Error => "error",
        SubtestVerdict::Waived => "waived",
    }
}

#[cfg(test)]
mod tests;
