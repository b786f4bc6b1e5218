//! Plans a run: which sub-tests run, which are skipped, and why.

mod error;
pub mod filter;
mod fingerprint;
mod needs;
mod order;
mod selection;
mod waiting;
pub mod waiver;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::requirement::Registry;
use crate::scenario::model::{Capability, Scenario};
use crate::scenario::undocumented::Undocumented;
use crate::source::spelling;
use crate::target::RefusalPointers;

pub use error::PlanError;
use error::describe_empty_selection;
pub use filter::{Filter, FilterError};
pub use fingerprint::fingerprint;
use needs::disposition;
pub use needs::{Disposition, TargetFacts};
pub use selection::{InvalidShard, Selection, Shard, Waits};
pub use waiting::Waiting;
use waiver::Waivers;

/// The plan of a run.
///
/// Each sub-test is listed once, even if it is repeated. Runs of sub-tests are numbered consecutively: with `n`
/// sub-tests, the first repetition has the runs `0..n` and the second `n..2n`.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The selected sub-tests in report order.
    pub subtests: Vec<PlannedSubtest>,
    pub selection: Selection,
    /// Unselected sub-tests that a waiver covers.
    pub unselected_waived: Vec<Arc<Scenario>>,
    /// Identifies the set of scenarios, see [`fingerprint`].
    pub fingerprint: String,
}

/// A sub-test of a plan.
#[derive(Debug, Clone)]
pub struct PlannedSubtest {
    pub scenario: Arc<Scenario>,
    pub disposition: Disposition,
    /// Whether `ours` statements are judged: only on the reference.
    pub judges_ours: bool,
    /// The undocumented endpoints that the target lacks.
    pub absent: BTreeSet<Undocumented>,
    /// Where the target's refusals have their code and message.
    pub refusal: RefusalPointers,
    pub waivers: Arc<Waivers>,
    /// How long it waits, since the target's clock cannot be advanced.
    pub waits: Option<Duration>,
}

impl Plan {
    /// Returns how long its sub-tests wait, if any does.
    pub fn waiting(&self) -> Option<Waiting> {
        let running = self.subtests.iter().filter(|planned| planned.disposition == Disposition::Run);
        Waiting::of(&running.filter_map(|planned| planned.waits).collect::<Vec<_>>())
    }
}

impl PlannedSubtest {
    /// A sub-test that runs on a target which differs in nothing from what the documents say.
    pub fn new(scenario: Arc<Scenario>) -> Self {
        Self {
            scenario,
            disposition: Disposition::Run,
            judges_ours: false,
            absent: BTreeSet::new(),
            refusal: RefusalPointers::default(),
            waivers: Arc::default(),
            waits: None,
        }
    }
}

/// Makes the plan of a run against a target.
///
/// # Errors
/// A suite is unknown, or no sub-test is selected.
pub fn plan(
    scenarios: &[Arc<Scenario>],
    registry: &Registry,
    selection: &Selection,
    target: &TargetFacts,
) -> Result<Plan, PlanError> {
    let suites = known_suites(scenarios, registry);
    for name in &selection.suites {
        if !suites.contains(&name.as_str()) {
            let near = spelling::nearest(name, suites.iter().copied());
            return Err(PlanError::UnknownSuite {
                name: name.clone(),
                hint: near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default(),
                known: suites.join(", "),
            });
        }
    }
    let mut selected: Vec<&Arc<Scenario>> = scenarios
        .iter()
        .filter(|scenario| selection.suites.is_empty() || selection.suites.contains(&scenario.suite))
        .collect();
    let in_suites = selected.len();
    selected.retain(|scenario| selection.filter.as_ref().is_none_or(|filter| filter.selects(scenario)));
    selected.retain(|scenario| selection.only.as_ref().is_none_or(|only| only.contains(&scenario.id)));
    let filtered = selected.len();
    selected.retain(|scenario| selection.shard.is_none_or(|shard| shard.holds(&scenario.id)));
    if selected.is_empty() {
        let hint = selection.filter.as_ref().and_then(|filter| filter.hint(scenarios, registry));
        let explained = describe_empty_selection(selection, in_suites, filtered, hint.as_deref());
        return Err(PlanError::NothingSelected(explained));
    }
    let waivers = &selection.waivers;
    let subtests = selected.iter().map(|scenario| PlannedSubtest {
        scenario: Arc::clone(scenario),
        disposition: disposition(scenario, registry, selection.waits, target),
        judges_ours: target.is_reference,
        absent: target.absent.clone(),
        refusal: target.refusal.clone(),
        waivers: Arc::clone(waivers),
        waits: scenario.waits.filter(|_| !target.capabilities.contains(&Capability::Clock)),
    });
    let is_selected = |scenario: &Scenario| selected.iter().any(|known| known.id == scenario.id);
    // A sub-test that cannot run on this target does not leave a waiver undecided.
    let could_run =
        |scenario: &Scenario| disposition(scenario, registry, selection.waits, target) == Disposition::Run;
    let unselected_waived = scenarios
        .iter()
        .filter(|scenario| waivers.concern(scenario) && !is_selected(scenario) && could_run(scenario));
    Ok(Plan {
        subtests: subtests.collect(),
        selection: selection.clone(),
        unselected_waived: unselected_waived.cloned().collect(),
        fingerprint: fingerprint(scenarios, registry),
    })
}

fn known_suites<'a>(scenarios: &'a [Arc<Scenario>], registry: &'a Registry) -> Vec<&'a str> {
    let mut suites = registry.suites();
    for scenario in scenarios {
        if !suites.contains(&scenario.suite.as_str()) {
            suites.push(&scenario.suite);
        }
    }
    suites
}

#[cfg(test)]
pub(crate) mod tests;
