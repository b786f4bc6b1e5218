//! Many runs, grouped by target and ordered by time: how each statement fared, and when it changed.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::coverage::StatementVerdict;
use crate::results::{RequirementResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;

/// A run and the file that its results were read from.
#[derive(Debug, Clone)]
pub struct StoredRun {
    pub file: String,
    pub results: Results,
}

/// The runs of a target, the oldest first.
#[derive(Debug)]
pub struct TargetHistory {
    pub target: String,
    pub runs: Vec<StoredRun>,
}

/// A statement that a run judged otherwise than the last run before it that judged it.
#[derive(Debug)]
pub struct Change<'a> {
    pub statement: &'a RequirementResult,
    /// The position of the run.
    pub run: usize,
    /// The position of the run with the verdict before; `None` if no run before judged the statement.
    pub before: Option<usize>,
    pub is_broken: bool,
    /// The sub-tests whose checks failed.
    pub subtests: Vec<&'a str>,
}

/// How long a sub-test took in each run, if it ran.
#[derive(Debug)]
pub struct Durations<'a> {
    pub subtest: &'a SubtestResult,
    pub in_runs: Vec<Option<u64>>,
    pub last: u64,
    /// The median of the runs before the last one in which it ran.
    pub median: u64,
}

/// Groups runs by target. A run that is there twice, such as in a copy, counts once.
pub fn by_target(mut runs: Vec<StoredRun>) -> Vec<TargetHistory> {
    // RFC 3339 in UTC sorts as text.
    runs.sort_by(|one, other| one.results.started_at.cmp(&other.results.started_at));
    let mut known = BTreeSet::new();
    runs.retain(|run| known.insert((run.results.started_at.clone(), run.results.run_id.clone())));
    let mut targets: BTreeMap<String, Vec<StoredRun>> = BTreeMap::new();
    for run in runs {
        targets.entry(run.results.target.name.clone()).or_default().push(run);
    }
    targets.into_iter().map(|(target, runs)| TargetHistory { target, runs }).collect()
}

impl TargetHistory {
    /// Returns every statement of any run, as the last run has it, in the order of the documents.
    pub fn statements(&self) -> Vec<&RequirementResult> {
        let mut known = BTreeSet::new();
        let newest_first = self.runs.iter().rev().flat_map(|run| &run.results.requirements);
        newest_first.filter(|statement| known.insert(statement.id.as_str())).collect()
    }

    /// Returns the verdict of each run on a statement; `None` where the run does not know it.
    pub fn verdicts(&self, statement: &str) -> Vec<Option<StatementVerdict>> {
        self.runs.iter().map(|run| verdict(&run.results, statement)).collect()
    }

    /// Returns what broke and what was mended, the newest first. Runs that did not judge a statement are passed over.
    pub fn changes(&self) -> Vec<Change<'_>> {
        let mut changes = Vec::new();
        for statement in self.statements() {
            let mut before: Option<(usize, StatementVerdict)> = None;
            for (run, verdict) in self.verdicts(&statement.id).into_iter().enumerate() {
                let Some(verdict) = verdict.filter(|verdict| *verdict != StatementVerdict::Unverified) else {
                    continue;
                };
                let is_broken = verdict == StatementVerdict::Violated;
                let is_change = before.map_or(is_broken, |(_, known)| known != verdict);
                if is_change {
                    let subtests = self.runs.get(run).map(|run| failing(&run.results, &statement.id));
                    changes.push(Change {
                        statement,
                        run,
                        before: before.map(|(run, _)| run),
                        is_broken,
                        subtests: subtests.unwrap_or_default(),
                    });
                }
                before = Some((run, verdict));
            }
        }
        changes.sort_by_key(|change| std::cmp::Reverse(change.run));
        changes
    }

    /// Returns the durations of the sub-tests that the last run ran, those first that grew most.
    pub fn durations(&self) -> Vec<Durations<'_>> {
        let Some(last) = self.runs.last() else { return Vec::new() };
        let ran = last.results.subtests.iter().filter(|subtest| subtest.verdict != SubtestVerdict::Skip);
        let mut all: Vec<Durations<'_>> = ran
            .map(|subtest| {
                let in_runs: Vec<Option<u64>> =
                    self.runs.iter().map(|run| duration(&run.results, &subtest.id)).collect();
                let mut earlier: Vec<u64> =
                    in_runs.iter().take(in_runs.len().saturating_sub(1)).flatten().copied().collect();
                earlier.sort_unstable();
                let median = earlier.get(earlier.len() / 2).copied().unwrap_or(subtest.duration_ms);
                Durations { subtest, in_runs, last: subtest.duration_ms, median }
            })
            .collect();
        all.sort_by_key(|one| std::cmp::Reverse((one.last.saturating_sub(one.median), one.last)));
        all
    }
}

fn verdict(results: &Results, statement: &str) -> Option<StatementVerdict> {
    results.requirements.iter().find(|found| found.id == statement).map(|found| found.verdict)
}

fn failing<'a>(results: &'a Results, statement: &str) -> Vec<&'a str> {
    let fails = |subtest: &&SubtestResult| {
        subtest.checks.iter().any(|check| {
            matches!(check.verdict, CheckVerdict::Fail | CheckVerdict::Waived)
                && check.requirements.iter().any(|id| id == statement)
        })
    };
    results.subtests.iter().filter(fails).map(|subtest| subtest.id.as_str()).collect()
}

fn duration(results: &Results, subtest: &str) -> Option<u64> {
    let found = results.subtests.iter().find(|found| found.id == subtest)?;
    (found.verdict != SubtestVerdict::Skip).then_some(found.duration_ms)
}
