//! One sub-test of a record.

use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::check::evidence::{Exchange, ProcessResult, WireResult};
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::event::{Event, Fault, SubtestVerdict};
use harness_model::scenario::model::Span;

use super::is_bad;

/// A sub-test, as its events told it.
#[derive(Debug, Clone, Default)]
pub struct SubtestRecord {
    /// How it ended; none if it did not.
    pub verdict: Option<SubtestVerdict>,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// Who is to blame for an error.
    pub fault: Option<Fault>,
    /// How long it took; of several runs the mean.
    pub took: Duration,
    /// What every check found.
    pub outcomes: Vec<Outcome>,
    /// The steps that were done, each row: the name, and how many of the outcomes are its.
    pub steps: Vec<(String, usize)>,
    /// The steps with a check that does not hold, in full.
    pub bad_steps: Vec<StepRecord>,
    /// What could not be cleaned up.
    pub leftovers: Vec<String>,
    /// How its runs ended.
    pub runs: Runs,
    /// How many checks were judged in the passed run that judged the fewest.
    pub(super) fewest_judged: Option<usize>,
    /// How long all its runs took.
    pub(super) took_together: Duration,
    /// The step that ended last, and its row.
    latest: Option<(Span, usize)>,
}

/// How the runs of a sub-test ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Runs {
    /// So many passed.
    pub pass: usize,
    /// So many failed.
    pub fail: usize,
    /// So many were skipped.
    pub skip: usize,
    /// So many came to no verdict.
    pub error: usize,
    /// So many failed as waivers allow.
    pub waived: usize,
}

/// A step with a check that does not hold.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// For which of its rows it was done, from 0.
    pub row: usize,
    /// Which of the sub-test's outcomes are its.
    pub checks: Range<usize>,
    /// What it exchanged.
    pub exchanges: Vec<Exchange>,
    /// The process that it ran.
    pub process: Option<ProcessResult>,
    /// What its WireGuard peer did and saw.
    pub wire: Option<WireResult>,
    /// The line that repeats it.
    pub repeat: Option<String>,
    /// What its checks found.
    pub outcomes: Vec<Outcome>,
}

impl Runs {
    /// How many ended.
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
    /// Remembers a step.
    pub(super) fn hear_step(&mut self, event: &Event) {
        let Event::StepFinished { name, span, exchanges, process, wire, repeat, outcomes, .. } = event else {
            return;
        };
        let row = self.row_of(span);
        let first = self.outcomes.len();
        self.outcomes.extend_from_slice(outcomes);
        self.steps.push((name.clone(), outcomes.len()));
        if outcomes.iter().any(is_bad) {
            self.bad_steps.push(StepRecord {
                name: name.clone(),
                span: span.clone(),
                row,
                checks: first..self.outcomes.len(),
                exchanges: exchanges.clone(),
                process: process.clone(),
                wire: wire.as_deref().cloned(),
                repeat: repeat.clone(),
                outcomes: outcomes.clone(),
            });
        }
    }

    /// Takes in another run of the sub-test. The worse of both stays, and of the other what is bad in another way:
    /// however often a sub-test runs, what is kept of it does not grow with that.
    pub(super) fn fold(&mut self, mut other: Self) {
        let mut runs = self.runs;
        if let Some(verdict) = other.verdict {
            runs.count(verdict);
        }
        let took_together = self.took_together + other.took;
        let judged = (other.verdict == Some(SubtestVerdict::Pass))
            .then(|| other.outcomes.iter().filter(|outcome| !outcome.statements.is_empty()).count());
        let fewest_judged = self.fewest_judged.into_iter().chain(judged).min();
        // The first run meets a record without any.
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
        self.steps.push((step.name.clone(), step.outcomes.len()));
        step.checks = first..self.outcomes.len();
        self.bad_steps.push(step);
    }

    /// The row that a step has ended for. A step ends for one row after the other, and no other step between.
    fn row_of(&mut self, span: &Span) -> usize {
        let row = match &self.latest {
            Some((latest, row)) if latest == span => row + 1,
            _ => 0,
        };
        self.latest = Some((span.clone(), row));
        row
    }
}

/// What keeps one run of several: the worst.
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
