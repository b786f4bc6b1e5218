//! The record of one sub-test.

use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::check::evidence::{Exchange, PageResult, ProcessResult, WireResult};
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::event::{Event, Fault, HostLog, SubtestVerdict};
use harness_model::scenario::model::Span;

use super::rows::RowCounter;

/// A sub-test, built from its events.
#[derive(Debug, Clone, Default)]
pub struct SubtestRecord {
    /// The verdict; `None` if it did not finish.
    pub verdict: Option<SubtestVerdict>,
    /// The reason for the verdict, unless it passed.
    pub reason: Option<String>,
    pub fault: Option<Fault>,
    /// The duration; of several runs the mean.
    pub took: Duration,
    pub outcomes: Vec<Outcome>,
    /// The finished steps, each row separately.
    pub steps: Vec<FinishedStep>,
    /// The failed steps in full.
    pub bad_steps: Vec<StepRecord>,
    /// What could not be cleaned up.
    pub leftovers: Vec<String>,
    /// What its hosts have logged outside its steps.
    pub logs: Vec<HostLog>,
    pub runs: Runs,
    /// The smallest number of checks judged in a passed run.
    pub(super) fewest_judged: Option<usize>,
    /// The duration of all its runs together.
    pub(super) took_together: Duration,
    rows: RowCounter,
}

/// The verdicts of a sub-test's runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Runs {
    pub pass: usize,
    pub fail: usize,
    pub skip: usize,
    /// Runs that ended without a verdict.
    pub error: usize,
    /// Runs whose failures were waived.
    pub waived: usize,
}

/// A finished step, for one row.
#[derive(Debug, Clone)]
pub struct FinishedStep {
    pub name: String,
    /// How many outcomes it has.
    pub outcomes: usize,
}

/// A step with a failed check.
#[derive(Debug, Clone)]
pub struct StepRecord {
    pub name: String,
    pub span: Span,
    /// The row it ran for, from 0.
    pub row: usize,
    /// The indexes of its outcomes in the sub-test's.
    pub checks: Range<usize>,
    pub exchanges: Vec<Exchange>,
    pub process: Option<ProcessResult>,
    pub wire: Option<WireResult>,
    pub page: Option<Box<PageResult>>,
    /// A shell line that repeats it.
    pub repeat: Option<String>,
    pub outcomes: Vec<Outcome>,
}

impl Runs {
    /// Returns how many runs finished.
    pub fn ended(&self) -> usize {
        self.pass + self.fail + self.skip + self.error + self.waived
    }

    fn count(&mut self, verdict: SubtestVerdict) {
        *match verdict {
            SubtestVerdict::Pass => &mut self.pass,
            SubtestVerdict::Fail => &mut self.fail,
            SubtestVerdict::Skip => &mut self.skip,
            SubtestVerdict::Error => &mut self.error,
            SubtestVerdict::Waived => &mut self.waived,
        } += 1;
    }
}

impl SubtestRecord {
    pub(super) fn hear_step(&mut self, event: &Event) {
        let Event::StepFinished { name, span, exchanges, process, wire, page, repeat, outcomes, .. } = event
        else {
            return;
        };
        let row = self.rows.next(span);
        let first = self.outcomes.len();
        self.outcomes.extend_from_slice(outcomes);
        self.steps.push(FinishedStep { name: name.clone(), outcomes: outcomes.len() });
        if outcomes.iter().any(is_bad) {
            self.bad_steps.push(StepRecord {
                name: name.clone(),
                span: span.clone(),
                row,
                checks: first..self.outcomes.len(),
                exchanges: exchanges.clone(),
                process: process.clone(),
                wire: wire.as_deref().cloned(),
                page: page.clone(),
                repeat: repeat.clone(),
                outcomes: outcomes.clone(),
            });
        }
    }

    /// Merges another run of the sub-test. The worse of both is kept, plus failed steps of the other that differ: the
    /// record's size does not depend on the number of runs.
    pub(super) fn fold(&mut self, mut other: Self) {
        let mut runs = self.runs;
        if let Some(verdict) = other.verdict {
            runs.count(verdict);
        }
        let took_together = self.took_together + other.took;
        let judged = (other.verdict == Some(SubtestVerdict::Pass))
            .then(|| other.outcomes.iter().filter(|outcome| !outcome.statements.is_empty()).count());
        let fewest_judged = self.fewest_judged.into_iter().chain(judged).min();
        // The first run replaces the empty record.
        if self.runs.ended() == 0 || weight(other.verdict) > weight(self.verdict) {
            std::mem::swap(self, &mut other);
        }
        for step in other.bad_steps {
            self.absorb(step);
        }
        self.leftovers.append(&mut other.leftovers);
        self.runs = runs;
        self.fewest_judged = fewest_judged;
        self.took_together = took_together;
        let ended = u32::try_from(runs.ended().max(1)).unwrap_or(u32::MAX);
        self.took = took_together / ended;
    }

    fn absorb(&mut self, mut step: StepRecord) {
        let verdicts = |step: &StepRecord| -> Vec<CheckVerdict> {
            step.outcomes.iter().map(|outcome| outcome.verdict).collect()
        };
        let is_alike = |known: &StepRecord| {
            known.span == step.span && known.row == step.row && verdicts(known) == verdicts(&step)
        };
        if self.bad_steps.iter().any(is_alike) {
            return;
        }
        let first = self.outcomes.len();
        self.outcomes.extend_from_slice(&step.outcomes);
        self.steps.push(FinishedStep { name: step.name.clone(), outcomes: step.outcomes.len() });
        step.checks = first..self.outcomes.len();
        self.bad_steps.push(step);
    }
}

/// Whether the check failed, was waived or could not be evaluated.
pub fn is_bad(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Error | CheckVerdict::Waived)
}

/// Ranks verdicts by severity: of several runs, the worst is kept.
fn weight(verdict: Option<SubtestVerdict>) -> u8 {
    match verdict {
        Some(SubtestVerdict::Skip) => 0,
        Some(SubtestVerdict::Pass) => 1,
        Some(SubtestVerdict::Waived) => 2,
        None => 3,
        Some(SubtestVerdict::Error) => 4,
        Some(SubtestVerdict::Fail) => 5,
    }
}
