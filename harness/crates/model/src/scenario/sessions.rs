//! The people whose sessions a sub-test uses.

use std::collections::BTreeSet;

use crate::requirement::Registry;

use super::model::{Action, Authorisation, IDENTITIES, Identity, Scenario, Step};

/// Returns the identities whose sessions a sub-test needs. Where the reference's own choices are not judged, steps that
/// judge nothing else are not carried out and need none.
pub fn sessions(scenario: &Scenario, registry: &Registry, judges_ours: bool) -> BTreeSet<Identity> {
    let is_carried_out = |step: &&Step| {
        let mut judged = step.checks.iter().flat_map(|check| &check.verifies);
        judges_ours || step.checks.is_empty() || !judged.all(|id| registry.is_ours(id))
    };
    let steps = scenario.steps.iter().filter(is_carried_out).chain(&scenario.cleanup);
    let logged_in = scenario.machines.iter().filter_map(|machine| machine.login);
    let used = |(identity, name): &(Identity, &str)| {
        scenario.variables.contains(&format!("token.{name}")).then_some(*identity)
    };
    logged_in.chain(steps.filter_map(acting)).chain(IDENTITIES.iter().filter_map(used)).collect()
}

/// Returns the identity as which a step acts.
fn acting(step: &Step) -> Option<Identity> {
    match &step.action {
        Action::Http(request) => match request.authorisation {
            Authorisation::Identity(identity) => Some(identity),
            Authorisation::Nobody | Authorisation::Bearer(_) => None,
        },
        Action::Login(login) => Some(login.identity),
        Action::Browse(browse) => browse.identity,
        _ => None,
    }
}
