//! What the selected sub-tests say together, whoever tells of them: the events of a run, or the results of its parts.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::claim::{Claims, Exercise};
use crate::coverage::{Coverage, Findings, coverage};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;
use harness_model::plan::waiver::{AppliedWaiver, Judged, Seen, Waivers};
use harness_model::requirement::Registry;
use harness_model::scenario::model::{Capability, Scenario, StatementId};

/// A selected sub-test and what became of it.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    /// The sub-test.
    pub scenario: &'a Scenario,
    /// How it ended; none if it did not.
    pub verdict: Option<SubtestVerdict>,
    /// Why it was not to run.
    pub skipped: Option<&'a str>,
    /// Its checks: the line, the statements, the verdict.
    pub checks: Vec<(usize, &'a [StatementId], CheckVerdict)>,
    /// What was planned in it and not done.
    pub gap: Option<String>,
}

/// All of them.
#[derive(Debug, Clone)]
pub struct Whole<'a> {
    /// The sub-tests.
    pub ended: Vec<Ended<'a>>,
    /// What the target declares.
    pub capabilities: &'a BTreeSet<Capability>,
    /// Whether the target is the reference.
    pub is_reference: bool,
    /// Whether this is a shard: what is missing in it may be in another.
    pub is_part: bool,
    /// Failures that are let through.
    pub waivers: &'a Waivers,
    /// Sub-tests that waivers concern and that are not selected.
    pub elsewhere: &'a [Arc<Scenario>],
}

impl Whole<'_> {
    /// What the target declares, and how much of that was put to the test.
    pub fn claims(&self) -> Claims {
        let selected = self.ended.iter().map(|ended| Exercise {
            id: &ended.scenario.id,
            needs: &ended.scenario.needs,
            is_cut_short: matches!(ended.verdict, None | Some(SubtestVerdict::Error)),
            checks: ended.checks.iter().filter(|(.., verdict)| *verdict != CheckVerdict::Skip).count(),
        });
        Claims::of(self.capabilities, &selected.collect::<Vec<_>>())
    }

    /// What was planned or promised and not done, a line each.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps: Vec<String> = self.ended.iter().filter_map(|ended| ended.gap.clone()).collect();
        if self.is_part {
            // Whether nothing at all was judged, or nothing of a claim, is known when the parts are joined.
            return gaps;
        }
        if !self.ended.is_empty() && self.ended.iter().all(|ended| ended.skipped.is_some()) {
            gaps.push("every selected sub-test was skipped: nothing was judged".to_owned());
        }
        for claim in self.claims().empty() {
            gaps.push(format!(
                "the target declares `{}`, yet every check that needs it was skipped",
                claim.capability
            ));
        }
        gaps
    }

    /// What became of each waiver.
    pub fn waivers(&self) -> Vec<AppliedWaiver> {
        let selected = self.ended.iter().map(|ended| Seen {
            scenario: ended.scenario,
            judged: match ended.verdict {
                _ if ended.skipped.is_some() => Judged::Never,
                Some(SubtestVerdict::Pass | SubtestVerdict::Fail | SubtestVerdict::Waived) => Judged::Whole,
                Some(SubtestVerdict::Skip | SubtestVerdict::Error) | None => Judged::NotWhole,
            },
            checks: ended.checks.clone(),
        });
        let others = self.elsewhere.iter().map(|scenario| Seen {
            scenario,
            judged: Judged::NotWhole,
            checks: Vec::new(),
        });
        self.waivers.states(&selected.chain(others).collect::<Vec<_>>())
    }

    /// What it says about each statement of the suites that it has sub-tests of.
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
            for (_, statements, verdict) in &ended.checks {
                findings.found(statements, *verdict);
            }
        }
        coverage(registry, &suites, &findings, self.is_reference)
    }
}
