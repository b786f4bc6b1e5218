//! Summarises the selected sub-tests: of a run from its events, or of merged shards from their results.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;
use harness_model::plan::waiver::{AppliedWaiver, Extent, JudgedCheck, JudgedSubtest, Waivers};
use harness_model::requirement::Registry;
use harness_model::scenario::model::{Capability, Scenario};

use crate::claim::{Claims, Exercise};
use crate::coverage::{Coverage, Findings, Scope, coverage};
use crate::gap::{Gap, GapKind};

/// The selected sub-tests of a run.
#[derive(Debug, Clone)]
pub struct RunSummary<'a> {
    pub subtests: Vec<SubtestSummary<'a>>,
    /// The capabilities that the target declares.
    pub capabilities: &'a BTreeSet<Capability>,
    pub is_reference: bool,
    pub scope: Scope,
    /// Whether this is a shard: what it lacks may be in another one.
    pub is_shard: bool,
    pub waivers: &'a Waivers,
    /// Unselected sub-tests that waivers cover.
    pub unselected: &'a [Arc<Scenario>],
}

/// A selected sub-test and its outcome.
#[derive(Debug, Clone)]
pub struct SubtestSummary<'a> {
    pub scenario: &'a Scenario,
    /// The verdict; `None` if it did not finish.
    pub verdict: Option<SubtestVerdict>,
    /// The reason for skipping it, if the plan did.
    pub skip_reason: Option<&'a str>,
    /// The reason for not running it although the plan did not skip it.
    pub not_run: Option<&'a str>,
    pub checks: Vec<JudgedCheck<'a>>,
    pub gap: Option<Gap>,
}

impl RunSummary<'_> {
    /// Determines which capabilities the target declares and whether the sub-tests exercised them.
    pub fn claims(&self) -> Claims {
        let exercises = self.subtests.iter().map(|subtest| Exercise {
            id: &subtest.scenario.id,
            needs: self.needs(subtest.scenario),
            is_cut_short: subtest.not_run.is_some()
                || matches!(subtest.verdict, None | Some(SubtestVerdict::Error)),
            checks: subtest.checks.iter().filter(|check| check.verdict != CheckVerdict::Skip).count(),
        });
        Claims::of(self.capabilities, &exercises.collect::<Vec<_>>())
    }

    /// Returns the capabilities that a sub-test needs of the target. One that waits moves the clock of a target that has
    /// one, and was skipped elsewhere if the run would not wait so long.
    fn needs(&self, scenario: &Scenario) -> BTreeSet<Capability> {
        let has_clock = self.capabilities.contains(&Capability::Clock);
        let moves_clock = scenario.waits.is_some() && (has_clock || scenario.waits_long());
        scenario.needs.iter().copied().chain(moves_clock.then_some(Capability::Clock)).collect()
    }

    /// Returns planned checks that did not run and empty claims.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = self.subtests.iter().filter_map(|subtest| subtest.gap.clone()).collect();
        let not_run = self.subtests.iter().filter(|subtest| subtest.not_run.is_some()).count();
        if not_run > 0 {
            gaps.push(Gap::of_run(GapKind::NotRun { subtests: not_run }));
        }
        if self.is_shard {
            // Whether everything, or every check of a capability, was skipped is only known after the merge.
            return gaps;
        }
        let is_skipped = |subtest: &SubtestSummary<'_>| {
            subtest.skip_reason.is_some() || subtest.verdict == Some(SubtestVerdict::Skip)
        };
        if !self.subtests.is_empty() && self.subtests.iter().all(is_skipped) {
            gaps.push(Gap::of_run(GapKind::AllSkipped));
        }
        let unexercised = |capability: &str| GapKind::Unexercised { capability: capability.to_owned() };
        gaps.extend(self.claims().empty().map(|claim| Gap::of_run(unexercised(&claim.capability))));
        gaps
    }

    /// Determines the state of each waiver.
    pub fn waivers(&self) -> Vec<AppliedWaiver> {
        let selected = self.subtests.iter().map(|subtest| JudgedSubtest {
            scenario: subtest.scenario,
            extent: subtest.extent(),
            checks: subtest.checks.clone(),
        });
        let unselected = self.unselected.iter().map(|scenario| JudgedSubtest {
            scenario,
            extent: Extent::Incomplete,
            checks: Vec::new(),
        });
        self.waivers.states(&selected.chain(unselected).collect::<Vec<_>>())
    }

    /// Determines the verdict on each documented statement, and on the choices of the reference that were judged.
    pub fn coverage(&self, registry: &Registry) -> Vec<Coverage> {
        let mut findings = Findings::default();
        self.subtests.iter().for_each(|subtest| subtest.contribute(&mut findings));
        coverage(registry, self.scope, &findings, self.is_reference)
    }
}

impl SubtestSummary<'_> {
    fn extent(&self) -> Extent {
        match self.verdict {
            _ if self.skip_reason.is_some() => Extent::Impossible,
            Some(SubtestVerdict::Pass | SubtestVerdict::Fail | SubtestVerdict::Waived) => Extent::Complete,
            Some(SubtestVerdict::Skip | SubtestVerdict::Error) | None => Extent::Incomplete,
        }
    }

    fn contribute(&self, findings: &mut Findings) {
        let planned = self.scenario.steps.iter().flat_map(|step| {
            let per_row = step.checks.iter().flat_map(|check| &check.verifies);
            std::iter::repeat_n(per_row, step.rows.len().max(1)).flatten()
        });
        match self.skip_reason.or(self.not_run) {
            None => findings.planned(planned),
            Some(reason) => {
                let announced = self.scenario.skip.iter().flat_map(|skip| &skip.statements);
                findings.skipped(planned.chain(announced), reason);
            }
        }
        for check in &self.checks {
            findings.found(check);
        }
    }
}
