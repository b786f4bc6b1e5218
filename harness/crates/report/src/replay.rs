//! Failed steps, replayed on the embedded reference so that reports can show both responses side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use harness_model::event::{Event, Fault, Listener, SubtestFinished, SubtestVerdict, scenario};
use harness_model::plan::Plan;
use harness_model::source::Location;

use crate::record::{RowCounter, is_bad};
use crate::results::{ExchangeResult, FailedStep, PageRun, ProcessRun, ReferenceStep, Results, WireRun};

/// Collects the reference's responses while the failed sub-tests run against it.
#[derive(Debug)]
pub struct Replay {
    wanted: BTreeSet<StepId>,
    plan: Option<Arc<Plan>>,
    rows: BTreeMap<usize, RowCounter>,
    found: BTreeMap<StepId, ReferenceStep>,
    /// Why a sub-test has no reference responses, by sub-test id.
    missing: BTreeMap<String, String>,
}

/// A step of a sub-test, for one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct StepId {
    subtest: String,
    location: Location,
    row: usize,
}

impl Replay {
    /// Selects the failed steps of these results.
    pub fn of(results: &Results) -> Self {
        let wanted = results
            .subtests
            .iter()
            .flat_map(|subtest| subtest.failures.iter().map(|step| StepId::of(&subtest.id, step)));
        Self {
            wanted: wanted.collect(),
            plan: None,
            rows: BTreeMap::new(),
            found: BTreeMap::new(),
            missing: BTreeMap::new(),
        }
    }

    /// Returns the ids of the sub-tests to replay.
    pub fn subtests(&self) -> BTreeSet<&str> {
        self.wanted.iter().map(|step| step.subtest.as_str()).collect()
    }

    /// Adds to each failed step what the reference did, or why that is unknown.
    pub fn attach(mut self, results: &mut Results) {
        for subtest in &mut results.subtests {
            let reason = self.missing.get(&subtest.id).cloned();
            let reason = reason.unwrap_or_else(|| "the reference did not reach this step".to_owned());
            for step in &mut subtest.failures {
                let found = self.found.remove(&StepId::of(&subtest.id, step));
                step.reference = Some(found.unwrap_or_else(|| ReferenceStep {
                    missing: Some(reason.clone()),
                    ..ReferenceStep::default()
                }));
            }
        }
    }
}

impl StepId {
    fn of(subtest: &str, step: &FailedStep) -> Self {
        Self { subtest: subtest.to_owned(), location: step.location.clone(), row: step.row }
    }
}

impl Listener for Replay {
    fn on_event(&mut self, event: &Event) {
        if let Event::Started { plan, .. } = event {
            self.plan = Some(Arc::clone(plan));
        }
        let Some(plan) = self.plan.clone() else { return };
        match event {
            Event::StepFinished { subtest, span, exchanges, process, wire, page, outcomes, .. } => {
                let Some(scenario) = scenario(&plan, *subtest) else { return };
                let row = self.rows.entry(*subtest).or_default().next(span);
                let location = scenario.source.location(span);
                let step = StepId { subtest: scenario.id.clone(), location, row };
                if self.wanted.contains(&step) {
                    let reference = ReferenceStep {
                        missing: None,
                        holds: !outcomes.iter().any(is_bad),
                        exchanges: ExchangeResult::first(exchanges),
                        process: process.as_ref().map(ProcessRun::of),
                        wire: wire.as_deref().map(WireRun::of),
                        page: page.as_deref().map(PageRun::of),
                    };
                    self.found.insert(step, reference);
                }
            }
            Event::SubtestFinished(SubtestFinished { subtest, verdict, reason, fault, .. }) => {
                let Some(scenario) = scenario(&plan, *subtest) else { return };
                let reason = reason.as_deref().unwrap_or_default();
                let missing = match (verdict, fault) {
                    (SubtestVerdict::Skip, _) => format!("skipped on the reference: {reason}"),
                    (_, Some(Fault::Interruption)) => {
                        "the replay on the reference ran out of time".to_owned()
                    }
                    (SubtestVerdict::Error, _) => format!("no verdict on the reference: {reason}"),
                    _ => return,
                };
                self.missing.insert(scenario.id.clone(), missing);
            }
            _ => {}
        }
    }
}
