//! Selects the sub-tests that run against a deviation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use harness_model::scenario::model::{Action, Capability, Scenario, Step};
use harness_report::diagnosis::catalogue::Declared;
use harness_report::diagnosis::observed::Observed;
use harness_runner::targets::Target as _;

use crate::active_deviation::ActiveDeviation;

use super::recipe::runs_tools;
use super::timeouts::asks_for_end;
use super::{Scope, SelfTest};

impl SelfTest {
    /// The deviations that cannot be tried on this host, by what a sub-test that is declared to catch them lacks there.
    pub fn untriable<'d>(&self, deviations: &[&'d Declared]) -> BTreeMap<String, BTreeSet<&'d str>> {
        let lacking = self.embedded.lacking();
        let mut untriable: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for declared in deviations {
            let catching = self.library.scenarios.iter();
            let mut catching = catching.filter(|scenario| declared.caught_by.contains(&scenario.id));
            let lacked =
                catching.find_map(|scenario| scenario.needs.iter().find_map(|need| lacking.get(need)));
            if let Some(what) = lacked {
                untriable.entry(what.clone()).or_default().insert(&declared.id);
            }
        }
        untriable
    }

    pub(super) fn all_subtests(&self) -> BTreeSet<&str> {
        self.subtests(|_| true)
    }

    /// The sub-tests that the scope asks for and that the deviation may affect.
    pub(super) fn affected_subtests<'a>(
        &'a self,
        declared: &'a Declared,
        active: &ActiveDeviation,
    ) -> BTreeSet<&'a str> {
        let may_affect = |scenario: &Scenario| {
            let deviation = active.deviation();
            // Browsers and other tools take seconds, and what other defects do to the API, other sub-tests find: these
            // sub-tests run only where they are declared to catch a defect.
            let is_slow = scenario.needs.contains(&Capability::Dashboard) || runs_tools(scenario);
            if is_slow || deviation.page.is_some() {
                return false;
            }
            match deviation.agent.is_some() {
                true => has_agents(scenario),
                // A recording cannot tell what simultaneous requests would do.
                false => has_race(scenario) || self.traffic.may_affect(&scenario.id, deviation),
            }
        };
        let is_affected =
            |scenario: &Scenario| declared.caught_by.contains(&scenario.id) || may_affect(scenario);
        match &self.scope {
            Scope::Declared => declared.caught_by.iter().map(String::as_str).collect(),
            Scope::Unlearned(unknown) if self.matrix.patterns.contains_key(&declared.id) => {
                self.subtests(|scenario| unknown.contains(&scenario.id) && is_affected(scenario))
            }
            Scope::AllSuites | Scope::Unlearned(_) => self.subtests(is_affected),
        }
    }

    /// The sub-tests with a race in which a check failed, which may have been chance.
    pub(super) fn failed_races(&self, observed: &Observed) -> BTreeSet<&str> {
        let failed: BTreeSet<&str> = observed.failed().map(|(cell, _)| cell.subtest.as_str()).collect();
        self.subtests(|scenario| failed.contains(scenario.id.as_str()) && has_race(scenario))
    }

    /// How long a sub-test waits in vain for what the deviation prevents, as far as the matrix tells; of the longest one.
    pub(super) fn expected_wait(&self, declared: &Declared) -> Duration {
        let scenarios = self.hasty.scenarios.iter();
        let catching = scenarios.filter(|scenario| declared.caught_by.contains(&scenario.id));
        let waits = catching.map(|scenario| {
            let failing: Vec<&str> = self.matrix.pattern(&declared.id).checks(&scenario.id).collect();
            let fails = |step: &&Step| failing.iter().any(|check| check.starts_with(&step.name.text));
            let once: Duration = scenario.steps.iter().filter(fails).filter_map(limit).sum();
            if has_race(scenario) { once * 2 } else { once }
        });
        waits.max().unwrap_or_default()
    }

    fn subtests(&self, is_wanted: impl Fn(&Scenario) -> bool) -> BTreeSet<&str> {
        let wanted = self.library.scenarios.iter().filter(|scenario| is_wanted(scenario));
        wanted.map(|scenario| scenario.id.as_str()).collect()
    }
}

/// The time limit of a step that may wait for what never comes.
fn limit(step: &Step) -> Option<Duration> {
    match &step.action {
        Action::Wire(command) => command.timeout.or(step.eventually),
        Action::Interrupt(interruption) => Some(interruption.timeout),
        Action::Ztna(command) if asks_for_end(step) || command.until.is_some() => Some(command.timeout),
        _ => step.eventually,
    }
}

fn has_agents(scenario: &Scenario) -> bool {
    let runs_a_shell = || scenario.steps.iter().any(|step| matches!(step.action, Action::Shell(_)));
    !scenario.machines.is_empty() || runs_a_shell()
}

fn has_race(scenario: &Scenario) -> bool {
    scenario.steps.iter().any(|step| step.race.is_some())
}
