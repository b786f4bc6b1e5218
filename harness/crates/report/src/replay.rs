//! Failed steps, replayed on the embedded reference so that reports can show both responses side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::record::is_bad;
use crate::results::{ExchangeResult, ProcessRun, ReferenceStep, Results, WireRun};
use harness_model::event::{Event, Fault, Listener, SubtestFinished, SubtestVerdict, scenario};
use harness_model::plan::Plan;
use harness_model::scenario::model::Span;

/// A step of a sub-test: the sub-test's id, `FILE:LINE`, the row.
type Place = (String, String, usize);

/// Collects the reference's responses while the failed sub-tests run against it.
#[derive(Debug)]
pub struct Replay {
    wanted: BTreeSet<Place>,
    plan: Option<Arc<Plan>>,
    /// The last finished step of each sub-test, and its row.
    latest: BTreeMap<usize, (Span, usize)>,
    found: BTreeMap<Place, ReferenceStep>,
    /// Why a sub-test has no reference responses, by sub-test id.
    missing: BTreeMap<String, String>,
}

impl Replay {
    /// Selects the failed steps of these results.
    pub fn of(results: &Results) -> Self {
        let wanted = results.subtests.iter().flat_map(|subtest| {
            subtest.failures.iter().map(|step| (subtest.id.clone(), step.location.clone(), step.row))
        });
        Self {
            wanted: wanted.collect(),
            plan: None,
            latest: BTreeMap::new(),
            found: BTreeMap::new(),
            missing: BTreeMap::new(),
        }
    }

    /// Returns the ids of the sub-tests to replay.
    pub fn subtests(&self) -> BTreeSet<&str> {
        self.wanted.iter().map(|(id, _, _)| id.as_str()).collect()
    }

    /// Adds to each failed step what the reference did, or why that is unknown.
    pub fn attach(mut self, results: &mut Results) {
        for subtest in &mut results.subtests {
            let missing = self.missing.get(&subtest.id);
            for step in &mut subtest.failures {
                let place = (subtest.id.clone(), step.location.clone(), step.row);
                let untold = || "the reference did not reach this step";
                step.reference = Some(self.found.remove(&place).unwrap_or_else(|| ReferenceStep {
                    missing: Some(missing.cloned().unwrap_or_else(|| untold().to_owned())),
                    ..ReferenceStep::default()
                }));
            }
        }
    }

    fn row(&mut self, subtest: usize, span: &Span) -> usize {
        let row = match self.latest.get(&subtest) {
            Some((latest, row)) if latest == span => row + 1,
            _ => 0,
        };
        self.latest.insert(subtest, (span.clone(), row));
        row
    }
}

impl Listener for Replay {
    fn on_event(&mut self, event: &Event) {
        if let Event::Started { plan, .. } = event {
            self.plan = Some(Arc::clone(plan));
        }
        let Some(plan) = self.plan.clone() else { return };
        match event {
            Event::StepFinished { subtest, span, exchanges, process, wire, outcomes, .. } => {
                let Some(scenario) = scenario(&plan, *subtest) else { return };
                let row = self.row(*subtest, span);
                let source = &scenario.source;
                let location = format!("{}:{}", source.path.display(), source.line(span));
                let place = (scenario.id.clone(), location, row);
                if self.wanted.contains(&place) {
                    let step = ReferenceStep {
                        missing: None,
                        holds: !outcomes.iter().any(is_bad),
                        exchanges: ExchangeResult::first(exchanges),
                        process: process.as_ref().map(ProcessRun::of),
                        wire: wire.as_deref().map(WireRun::of),
                    };
                    self.found.insert(place, step);
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
