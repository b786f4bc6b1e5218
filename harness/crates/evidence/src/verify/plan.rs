//! Reconstructs the plan of a recorded run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use harness_model::library::Library;
use harness_model::plan::waiver::Waivers;
use harness_model::plan::{Disposition, Filter, Plan, PlannedSubtest, Selection, TargetFacts, plan};
use harness_model::scenario::model::Scenario;
use harness_report::results::Selected;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::line::{PlannedLine, RunStarted};

use super::obstacle::Obstacle;

/// The reconstructed plan, and where it contradicts the target's declared capabilities.
pub(super) struct RecordedPlan {
    pub(super) plan: Arc<Plan>,
    pub(super) problems: Vec<String>,
}

impl RecordedPlan {
    pub(super) fn of(started: &RunStarted, library: &Library) -> Result<Self, Obstacle> {
        let waivers = Waivers::restore(&started.waivers, start_time(started)?.date());
        let waivers = Arc::new(waivers?);
        let mut subtests = Vec::new();
        let mut problems = Vec::new();
        for line in &started.plan {
            let scenario = library.scenarios.iter().find(|scenario| scenario.id == line.id);
            let scenario = scenario.ok_or_else(|| Obstacle::MissingScenario(line.id.clone()))?;
            problems.extend(contradictions(line, scenario, started, library));
            subtests.push(PlannedSubtest {
                scenario: Arc::clone(scenario),
                disposition: line.skip.clone().map_or(Disposition::Run, Disposition::Skip),
                judges_ours: line.judges_ours,
                absent: started.target.absent.clone(),
                refusal: started.target.refusal.clone(),
                waivers: Arc::clone(&waivers),
                // Nothing is waited for again.
                waits: None,
            });
        }
        let selection = selection(&started.selection, waivers)?;
        let fingerprint = started.selection.scenarios.clone();
        let plan = Plan { subtests, selection, unselected_waived: Vec::new(), fingerprint };
        Ok(Self { plan: Arc::new(plan), problems })
    }
}

pub(super) fn start_time(started: &RunStarted) -> Result<OffsetDateTime, Obstacle> {
    Ok(OffsetDateTime::parse(&started.at, &Rfc3339)?)
}

fn contradictions(
    line: &PlannedLine,
    scenario: &Arc<Scenario>,
    started: &RunStarted,
    library: &Library,
) -> Vec<String> {
    let id = &line.id;
    let mut problems = Vec::new();
    if line.judges_ours != started.target.reference {
        problems.push(format!("{id}: `judges_ours` does not match the target"));
    }
    let can_run = can_run(scenario, started, library);
    if line.skip.is_some() && can_run {
        problems.push(format!("{id} was skipped, although the target declares the capabilities it needs"));
    }
    if line.skip.is_none() && !can_run {
        problems
            .push(format!("{id} was run, although the target does not declare the capabilities it needs"));
    }
    problems
}

fn can_run(scenario: &Arc<Scenario>, started: &RunStarted, library: &Library) -> bool {
    let facts = TargetFacts {
        name: started.target.name.clone(),
        capabilities: started.target.capabilities.clone(),
        lacking: BTreeMap::new(),
        is_reference: started.target.reference,
        missing_sessions: started.target.missing_sessions.clone(),
        absent: started.target.absent.clone(),
        refusal: started.target.refusal.clone(),
    };
    let selection = Selection { waits: started.selection.waits, ..Selection::default() };
    let plan = plan(std::slice::from_ref(scenario), &library.registry, &selection, &facts);
    plan.is_ok_and(|plan| plan.subtests.iter().any(|planned| planned.disposition == Disposition::Run))
}

fn selection(selected: &Selected, waivers: Arc<Waivers>) -> Result<Selection, Obstacle> {
    let Selected { suites, filter, rerun, shard, repeat, shuffle, waits, scenarios: _ } = selected.clone();
    Ok(Selection {
        suites,
        filter: filter.as_deref().map(Filter::parse).transpose()?,
        only: rerun.then(BTreeSet::new),
        shard,
        shuffle,
        repeat,
        max_fail: None,
        waivers,
        waits,
    })
}
