//! Which sub-tests run against a deviation.

use std::collections::BTreeSet;

use crate::deviant::Deviant;
use harness_model::scenario::model::{Action, Scenario};
use harness_report::diagnosis::catalogue::Declared;
use harness_report::diagnosis::observed::Observed;

use super::{Bench, Reach};

impl Bench {
    /// All sub-tests.
    pub(super) fn everything(&self) -> BTreeSet<&str> {
        self.those(|_| true)
    }

    /// The sub-tests that run against the deviation.
    pub(super) fn concerned<'a>(&'a self, declared: &'a Declared, deviant: &Deviant) -> BTreeSet<&'a str> {
        let can_show = |scenario: &Scenario| {
            let deviation = deviant.deviation();
            match deviation.agent.is_some() {
                true => has_agents(scenario),
                // Requests at the same moment are not the same the next time.
                false => has_race(scenario) || self.rehearsal.concerns(&scenario.id, deviation),
            }
        };
        let shows = |scenario: &Scenario| declared.caught_by.contains(&scenario.id) || can_show(scenario);
        match &self.reach {
            Reach::Catching => declared.caught_by.iter().map(String::as_str).collect(),
            Reach::Learning(unknown) if self.matrix.patterns.contains_key(&declared.id) => {
                self.those(|scenario| unknown.contains(&scenario.id) && shows(scenario))
            }
            Reach::Whole | Reach::Learning(_) => self.those(shows),
        }
    }

    /// The sub-tests in which something failed and machines race: by chance, for all that is known.
    pub(super) fn failed_races(&self, observed: &Observed) -> BTreeSet<&str> {
        let failed: BTreeSet<&str> = observed.failed().map(|(cell, _)| cell.subtest.as_str()).collect();
        self.those(|scenario| failed.contains(scenario.id.as_str()) && has_race(scenario))
    }

    /// How many steps could be waited for in vain.
    pub(super) fn waits(&self, declared: &Declared) -> usize {
        let scenarios = self.library.scenarios.iter();
        let catching = scenarios.filter(|scenario| declared.caught_by.contains(&scenario.id));
        let steps = catching.flat_map(|scenario| &scenario.steps);
        steps.filter(|step| step.eventually.is_some() || matches!(step.action, Action::Wire(_))).count()
    }

    fn those(&self, wanted: impl Fn(&Scenario) -> bool) -> BTreeSet<&str> {
        let wanted = self.library.scenarios.iter().filter(|scenario| wanted(scenario));
        wanted.map(|scenario| scenario.id.as_str()).collect()
    }
}

fn has_agents(scenario: &Scenario) -> bool {
    let in_a_shell = || scenario.steps.iter().any(|step| matches!(step.action, Action::Shell(_)));
    !scenario.machines.is_empty() || in_a_shell()
}

fn has_race(scenario: &Scenario) -> bool {
    scenario.steps.iter().any(|step| step.race.is_some())
}
