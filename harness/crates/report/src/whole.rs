//! Summarises the selected sub-tests: of a run from its events, or of merged shards from their results.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::claim::{Claims, Exercise};
use crate::coverage::{Coverage, Findings, coverage};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;
use harness_model::plan::waiver::{AppliedWaiver, Extent, JudgedCheck, JudgedSubtest, Waivers};
use harness_model::requirement::Registry;
use harness_model::scenario::model::{Capability, Scenario};

/// A selected sub-test and its outcome.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    pub scenario: &'a Scenario,
    /// The verdict; `None` if it did not finish.
    pub verdict: Option<SubtestVerdict>,
    /// The reason for skipping it, if the plan did.
    pub skipped: Option<&'a str>,
    pub checks: Vec<JudgedCheck<'a>>,
    /// Planned checks that did not run.
    pub gap: Option<String>,
}

/// The selected sub-tests of a run.
#[derive(Debug, Clone)]
pub struct Whole<'a> {
    pub ended: Vec<Ended<'a>>,
    /// The capabilities that the target declares.
    pub capabilities: &'a BTreeSet<Capability>,
    /// Whether the target is the reference.
    pub is_reference: bool,
    /// Whether this is a shard: what it lacks may be in another one.
    pub is_part: bool,
    pub waivers: &'a Waivers,
    /// Unselected sub-tests that waivers cover.
    pub elsewhere: &'a [Arc<Scenario>],
}

impl Whole<'_> {
    /// Determines which capabilities the target declares and whether the sub-tests exercised them.
    pub fn claims(&self) -> Claims {
        let selected = self.ended.iter().map(|ended| Exercise {
            id: &ended.scenario.id,
            needs: &ended.scenario.needs,
            is_cut_short: matches!(ended.verdict, None | Some(SubtestVerdict::Error)),
            checks: ended.checks.iter().filter(|check| check.verdict != CheckVerdict::Skip).count(),
        });
        Claims::of(self.capabilities, &selected.collect::<Vec<_>>())
    }

    /// Returns planned checks that did not run and empty claims, one line each.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps: Vec<String> = self.ended.iter().filter_map(|ended| ended.gap.clone()).collect();
        if self.is_part {
            // Whether everything, or every check of a capability, was skipped is only known after the merge.
            return gaps;
        }
        if !self.ended.is_empty() && self.ended.iter().all(|ended| ended.skipped.is_some()) {
            gaps.push("every selected sub-test was skipped".to_owned());
        }
        for claim in self.claims().empty() {
            gaps.push(format!(
                "the target declares `{}`, but every check that needs it was skipped",
                claim.capability
            ));
        }
        gaps
    }

    /// Determines the state of each waiver.
    pub fn waivers(&self) -> Vec<AppliedWaiver> {
        let selected = self.ended.iter().map(|ended| JudgedSubtest {
            scenario: ended.scenario,
            extent: match ended.verdict {
                _ if ended.skipped.is_some() => Extent::Impossible,
                Some(SubtestVerdict::Pass | SubtestVerdict::Fail | SubtestVerdict::Waived) => {
                    Extent::Complete
                }
                Some(SubtestVerdict::Skip | SubtestVerdict::Error) | None => Extent::Incomplete,
            },
            checks: ended.checks.clone(),
        });
        let others = self.elsewhere.iter().map(|scenario| JudgedSubtest {
            scenario,
            extent: Extent::Incomplete,
            checks: Vec::new(),
        });
        self.waivers.states(&selected.chain(others).collect::<Vec<_>>())
    }

    /// Determines the verdict on each statement of the suites that were selected from.
    pub fn coverage(&self, registry: &Registry) -> Vec<Coverage> {
        let mut findings = Findings::default();
        let mut suites: Vec<String> = Vec::new();
        for ended in &self.ended {
            let scenario = ended.scenario;
            if !suites.contains(&scenario.suite) {
                suites.push(scenario.suite.clone());
            }
            let named = scenario.steps.iter().flat_map(|step| {
                let once = step.checks.iter().flat_map(|check| &check.verifies);
                std::iter::repeat_n(once, step.rows.len().max(1)).flatten()
            });
            let announced = scenario.skip.iter().flat_map(|skip| &skip.statements);
            match ended.skipped {
                None => findings.planned(named),
                Some(reason) => findings.skipped(named.chain(announced), reason),
            }
            for check in &ended.checks {
                findings.found(check.statements, check.verdict);
            }
        }
        coverage(registry, &suites, &findings, self.is_reference)
    }
}
