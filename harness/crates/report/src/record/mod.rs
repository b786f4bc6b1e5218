//! The record of a run: what reports keep of its events.

mod rows;
mod subtest;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::coverage::Scope;
use crate::exit_code::Tally;
use crate::gap::{Gap, GapKind};
use crate::summary::{RunSummary, SubtestSummary};
use harness_model::event::{
    CleanupFailed, Event, Fault, Finished, Listener, RunEnd, Settled, SubtestFinished, SubtestVerdict,
    TargetDescription,
};
use harness_model::plan::waiver::JudgedCheck;
use harness_model::plan::{Disposition, Plan, PlannedSubtest};
use harness_model::scenario::model::Scenario;

pub use rows::RowCounter;
pub use subtest::{FinishedStep, Runs, StepRecord, SubtestRecord, is_bad};

/// A run, built from its events.
#[derive(Debug, Clone)]
pub struct Record {
    pub plan: Arc<Plan>,
    pub target: TargetDescription,
    pub started_at: SystemTime,
    pub took: Duration,
    /// The run's id; `None` before [`Event::Settled`].
    pub run_id: Option<String>,
    /// Reads that were retried after a connection failure.
    pub retries: u64,
    /// What was not cleaned up on the target and belongs to no sub-test.
    pub leftovers: Vec<String>,
    /// How the run ended; `None` before [`Event::Finished`].
    pub end: Option<RunEnd>,
    /// The sub-tests in the plan's order. Of a repeated sub-test the worst run, with further failures of the others.
    pub subtests: Vec<SubtestRecord>,
    /// How often each sub-test should run.
    expected: usize,
    running: HashMap<usize, SubtestRecord>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            plan: Arc::default(),
            target: TargetDescription {
                name: String::new(),
                version: None,
                base_url: None,
                reference: false,
                capabilities: BTreeSet::new(),
                missing_sessions: Default::default(),
                absent: Default::default(),
                refusal: Default::default(),
                deviating: None,
            },
            started_at: UNIX_EPOCH,
            took: Duration::ZERO,
            run_id: None,
            retries: 0,
            leftovers: Vec::new(),
            end: None,
            subtests: Vec::new(),
            expected: 0,
            running: HashMap::new(),
        }
    }
}

impl Listener for Record {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Started { plan, target, at } => {
                // `--prove-isolation` runs the same plan several times; their events accumulate.
                if self.subtests.len() != plan.subtests.len() || self.end.is_none() {
                    *self = Self::default();
                    self.subtests = vec![SubtestRecord::default(); plan.subtests.len()];
                    self.started_at = *at;
                }
                self.expected += plan.repetitions();
                self.end = None;
                self.plan = Arc::clone(plan);
                self.target = target.clone();
            }
            Event::SubtestStarted(_) => {}
            Event::StepFinished { subtest, .. } => {
                self.running.entry(*subtest).or_default().hear_step(event);
            }
            Event::CleanupFailed(CleanupFailed { subtest, message }) => {
                self.running.entry(*subtest).or_default().leftovers.push(message.clone());
            }
            Event::SubtestFinished(SubtestFinished { subtest, verdict, reason, fault, took, logs }) => {
                let mut record = self.running.remove(subtest).unwrap_or_default();
                record.verdict = Some(*verdict);
                record.reason.clone_from(reason);
                record.fault = *fault;
                record.took = *took;
                record.logs.clone_from(logs);
                self.fold(*subtest, record);
            }
            Event::Settled(Settled { run_id, retries, leftovers }) => {
                self.run_id = Some(run_id.clone());
                self.retries += *retries;
                self.leftovers.extend_from_slice(leftovers);
            }
            Event::Finished(Finished { took, end }) => {
                for (run, record) in std::mem::take(&mut self.running) {
                    self.fold(run, record);
                }
                self.took += *took;
                self.end = Some(*end);
            }
        }
    }
}

impl Record {
    /// Returns each sub-test with its plan.
    pub fn subtests(&self) -> impl Iterator<Item = (&PlannedSubtest, &SubtestRecord)> {
        self.plan.subtests.iter().zip(&self.subtests)
    }

    pub fn summary(&self) -> RunSummary<'_> {
        RunSummary {
            subtests: self
                .subtests()
                .map(|(planned, record)| self.subtest_summary(planned, record))
                .collect(),
            capabilities: &self.target.capabilities,
            is_reference: self.target.reference,
            scope: Scope::of(self.plan.selection.is_narrowed()),
            is_shard: self.plan.selection.shard.is_some(),
            waivers: &self.plan.selection.waivers,
            unselected: &self.plan.unselected_waived,
        }
    }

    /// Returns planned checks that did not run and empty claims.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = self.summary().gaps();
        if self.end.is_none() {
            gaps.push(Gap::of_run(GapKind::Unfinished));
        }
        gaps
    }

    fn subtest_summary<'a>(
        &self,
        planned: &'a PlannedSubtest,
        record: &'a SubtestRecord,
    ) -> SubtestSummary<'a> {
        let checks = record.outcomes.iter().map(|outcome| JudgedCheck {
            line: planned.scenario.source.line(&outcome.span),
            statements: &outcome.statements,
            verdict: outcome.verdict,
            message: &outcome.message,
            unevaluated: outcome.unevaluated.as_ref(),
        });
        let is_skipped = record.verdict == Some(SubtestVerdict::Skip);
        let is_not_run = record.fault == Some(Fault::Interruption);
        SubtestSummary {
            scenario: &planned.scenario,
            verdict: record.verdict,
            skip_reason: match &planned.disposition {
                Disposition::Skip(reason) => Some(reason),
                // It turned out during the run that the target can be judged by none of its checks.
                Disposition::Run if is_skipped && !is_not_run => record.reason.as_deref(),
                Disposition::Run => None,
            },
            not_run: record.reason.as_deref().filter(|_| is_skipped && is_not_run),
            checks: checks.collect(),
            gap: self.gap(planned, record),
        }
    }

    fn gap(&self, planned: &PlannedSubtest, record: &SubtestRecord) -> Option<Gap> {
        let id = &planned.scenario.id;
        if record.verdict.is_none() || record.runs.ended() < self.expected {
            return Some(Gap::of_subtest(id, GapKind::Unfinished));
        }
        let planned = planned_checks(&planned.scenario);
        let ran = record.fewest_judged.filter(|ran| *ran < planned)?;
        Some(Gap::of_subtest(id, GapKind::MissingChecks { ran, planned }))
    }

    fn fold(&mut self, run: usize, record: SubtestRecord) {
        let position = self.plan.position(run);
        if let Some(known) = self.subtests.get_mut(position) {
            known.fold(record);
        }
    }

    /// Counts what the exit code depends on.
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
            stale: self.summary().waivers().iter().filter(|waiver| waiver.state.is_stale()).count(),
            end: self.end.unwrap_or(RunEnd::Complete),
        }
    }

    /// Returns how many sub-tests have this verdict.
    pub fn of(&self, verdict: SubtestVerdict) -> usize {
        self.subtests.iter().filter(|record| record.verdict == Some(verdict)).count()
    }
}

/// Returns how many checks a sub-test plans, counting each row.
pub fn planned_checks(scenario: &Scenario) -> usize {
    scenario.steps.iter().map(|step| step.rows.len().max(1) * step.checks.len()).sum()
}
