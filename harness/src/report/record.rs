//! What reports remember of a run.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::check::evidence::{Exchange, ProcessResult, WireResult};
use crate::check::outcome::{CheckVerdict, Outcome};
use crate::plan::{Disposition, Plan, PlannedSubtest};
use crate::report::exit_code::Tally;
use crate::run::event::{End, Event, Fault, Listener, SubtestVerdict, TargetDescription};
use crate::scenario::model::{Scenario, Span};

/// A run, as its events told it.
#[derive(Debug, Clone)]
pub struct Record {
    /// What was planned.
    pub plan: Arc<Plan>,
    /// What it ran against.
    pub target: TargetDescription,
    /// When it began.
    pub started_at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// How it ended; none if nobody said so.
    pub end: Option<End>,
    /// The sub-tests, in the plan's order.
    pub subtests: Vec<SubtestRecord>,
}

/// A sub-test, as its events told it.
#[derive(Debug, Clone, Default)]
pub struct SubtestRecord {
    /// How it ended; none if it did not.
    pub verdict: Option<SubtestVerdict>,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// Who is to blame for an error.
    pub fault: Option<Fault>,
    /// How long it took.
    pub took: Duration,
    /// What every check found.
    pub outcomes: Vec<Outcome>,
    /// The steps that were done, each row: the name, and how many of the outcomes are its.
    pub steps: Vec<(String, usize)>,
    /// The steps with a check that does not hold, in full.
    pub bad_steps: Vec<StepRecord>,
    /// What could not be cleaned up.
    pub leftovers: Vec<String>,
    /// The step that ended last, and its row.
    latest: Option<(Span, usize)>,
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

impl Default for Record {
    fn default() -> Self {
        Self {
            plan: Arc::new(Plan { subtests: Vec::new() }),
            target: TargetDescription {
                name: String::new(),
                version: None,
                base_url: None,
                reference: false,
                capabilities: BTreeSet::new(),
                deviating: None,
            },
            started_at: UNIX_EPOCH,
            took: Duration::ZERO,
            end: None,
            subtests: Vec::new(),
        }
    }
}

impl Listener for Record {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Started { plan, target, at } => {
                self.subtests = vec![SubtestRecord::default(); plan.subtests.len()];
                self.plan = Arc::clone(plan);
                self.target = target.clone();
                self.started_at = *at;
            }
            Event::SubtestStarted { .. } => {}
            Event::StepFinished {
                subtest, name, span, exchanges, process, wire, repeat, outcomes, ..
            } => {
                let Some(record) = self.subtests.get_mut(*subtest) else { return };
                let row = record.row_of(span);
                let first = record.outcomes.len();
                record.outcomes.extend_from_slice(outcomes);
                record.steps.push((name.clone(), outcomes.len()));
                if outcomes.iter().any(is_bad) {
                    record.bad_steps.push(StepRecord {
                        name: name.clone(),
                        span: span.clone(),
                        row,
                        checks: first..record.outcomes.len(),
                        exchanges: exchanges.clone(),
                        process: process.clone(),
                        wire: wire.as_deref().cloned(),
                        repeat: repeat.clone(),
                        outcomes: outcomes.clone(),
                    });
                }
            }
            Event::CleanupFailed { subtest, message } => {
                if let Some(record) = self.subtests.get_mut(*subtest) {
                    record.leftovers.push(message.clone());
                }
            }
            Event::SubtestFinished { subtest, verdict, reason, fault, took } => {
                if let Some(record) = self.subtests.get_mut(*subtest) {
                    record.verdict = Some(*verdict);
                    record.reason.clone_from(reason);
                    record.fault = *fault;
                    record.took = *took;
                }
            }
            Event::Finished { took, end } => {
                self.took = *took;
                self.end = Some(*end);
            }
        }
    }
}

impl Record {
    /// Each sub-test with what was planned for it.
    pub fn subtests(&self) -> impl Iterator<Item = (&PlannedSubtest, &SubtestRecord)> {
        self.plan.subtests.iter().zip(&self.subtests)
    }

    /// What was planned or promised and not done, a line each: silence is never taken for success.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        for (planned, record) in self.subtests() {
            let id = &planned.scenario.id;
            match record.verdict {
                None => gaps.push(format!("{id} never ended")),
                Some(SubtestVerdict::Pass) => {
                    let planned = planned_checks(&planned.scenario);
                    let judged =
                        record.outcomes.iter().filter(|outcome| !outcome.statements.is_empty()).count();
                    if judged < planned {
                        gaps.push(format!("{id}: {judged} of {planned} planned checks were judged"));
                    }
                }
                Some(_) => {}
            }
        }
        let ran = |planned: &PlannedSubtest| planned.disposition == Disposition::Run;
        if !self.plan.subtests.is_empty() && !self.plan.subtests.iter().any(ran) {
            gaps.push("every selected sub-test was skipped: nothing was judged".to_owned());
        }
        for capability in &self.target.capabilities {
            let mut needing =
                self.plan.subtests.iter().filter(|planned| planned.scenario.needs.contains(capability));
            if needing.clone().next().is_some() && !needing.any(ran) {
                gaps.push(format!(
                    "the target declares `{}`, yet every sub-test that needs it was skipped",
                    capability.name()
                ));
            }
        }
        if self.end.is_none() {
            gaps.push("the run never ended".to_owned());
        }
        gaps
    }

    /// What the exit code depends on.
    pub fn tally(&self) -> Tally {
        let erring = |fault| {
            let blamed = |record: &&SubtestRecord| {
                record.verdict == Some(SubtestVerdict::Error) && record.fault == Some(fault)
            };
            self.subtests.iter().filter(blamed).count()
        };
        Tally {
            failed: self.of(SubtestVerdict::Fail),
            environment: erring(Fault::Environment),
            kit: erring(Fault::Kit),
            gaps: self.gaps().len(),
            end: self.end.unwrap_or(End::Complete),
        }
    }

    /// How many sub-tests have this verdict.
    pub fn of(&self, verdict: SubtestVerdict) -> usize {
        self.subtests.iter().filter(|record| record.verdict == Some(verdict)).count()
    }
}

impl SubtestRecord {
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

/// Whether an outcome is worth showing.
pub fn is_bad(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, CheckVerdict::Fail | CheckVerdict::Error)
}

/// How many checks a sub-test plans, its rows counted.
pub fn planned_checks(scenario: &Scenario) -> usize {
    scenario.steps.iter().map(|step| step.rows.len().max(1) * step.checks.len()).sum()
}
