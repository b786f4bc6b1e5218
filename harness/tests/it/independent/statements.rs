//! Every statement that HTTP can show is checked by a sub-test without an agent.

use std::collections::BTreeSet;

use harness_model::requirement::{Level, Via};
use harness_model::scenario::model::{Action, Body, Capability, Scenario, Step};

use crate::independent::files::library;

/// Statements that are marked as visible over HTTP and are not visible over HTTP alone, with the reason.
pub(crate) const UNSEEN: &[(&str, &str)] = &[(
    "used-count/ST3.3",
    "that the CLI skips a registration is the CLI's doing; HTTP shows no more of it than a count that does not move",
)];

/// The capabilities that a sub-test over HTTP may need.
const BEYOND_HTTP: [Capability; 5] =
    [Capability::Agent, Capability::Installer, Capability::Dashboard, Capability::Wire, Capability::Tun];

fn needs_http_alone(scenario: &Scenario) -> bool {
    scenario.skip.is_none() && !BEYOND_HTTP.iter().any(|beyond| scenario.needs.contains(beyond))
}

#[test]
fn every_statement_that_http_can_show_is_checked_without_an_agent() {
    let library = library();
    let alone = library.scenarios.iter().filter(|scenario| needs_http_alone(scenario));
    let checked: BTreeSet<&str> =
        alone.flat_map(|scenario| scenario.statements()).map(String::as_str).collect();
    let binding = library.registry.all().iter().filter(|statement| statement.level != Level::Ours);
    let missing: Vec<&str> = binding
        .filter(|statement| statement.via.contains(&Via::Http))
        .map(|statement| statement.id.as_str())
        .filter(|id| !checked.contains(id) && !UNSEEN.iter().any(|(unseen, _)| unseen == id))
        .collect();
    assert_eq!(
        missing,
        Vec::<&str>::new(),
        "write a sub-test without an agent, or say here why there is none"
    );
    for (id, _) in UNSEEN {
        assert!(library.registry.get(id).is_some(), "{id} is no statement");
        assert!(!checked.contains(id), "{id} is checked: take it out of the list");
    }
}

#[test]
fn http_subtests_need_no_more_than_a_clock_a_heartbeat_or_an_address() {
    let library = library();
    // If one sub-test of a statement needs more, another must do without.
    let more = [Capability::Fresh, Capability::Organisations];
    for statement in library.registry.all().iter().filter(|statement| statement.level != Level::Ours) {
        let of_it = || {
            let alone = library.scenarios.iter().filter(|scenario| needs_http_alone(scenario));
            alone.filter(|scenario| scenario.statements().any(|id| *id == statement.id))
        };
        let easy = of_it().any(|scenario| !more.iter().any(|beyond| scenario.needs.contains(beyond)));
        assert!(
            easy || of_it().next().is_none(),
            "{} needs a fresh target or two organisations",
            statement.id
        );
    }
}

/// A target that accepts what only the reference refuses must not fail because of the consequences.
#[test]
fn refusals_of_the_reference_alone_affect_no_other_check() {
    let library = library();
    let is_ours = |id: &String| library.registry.get(id).is_some_and(|known| known.level == Level::Ours);
    let mut found = Vec::new();
    for scenario in &library.scenarios {
        let chosen = scenario.steps.iter().filter(|step| {
            !step.checks.is_empty() && step.checks.iter().all(|check| check.verifies.iter().all(is_ours))
        });
        let names: Vec<String> = chosen.filter_map(name_that_it_makes).collect();
        let binding = scenario
            .steps
            .iter()
            .filter(|step| step.checks.iter().any(|check| !check.verifies.iter().all(is_ours)));
        for step in binding {
            let Action::Http(request) = &step.action else { continue };
            let asked = request.path.text.split(['?', '&']).filter_map(|part| part.strip_prefix("name=eq."));
            found.extend(
                asked
                    .filter(|asked| names.iter().any(|name| name == asked))
                    .map(|asked| format!("{}: {asked}", scenario.id)),
            );
        }
    }
    assert_eq!(found, Vec::<String>::new(), "give what only `ours` checks judge a name of its own");
}

fn name_that_it_makes(step: &Step) -> Option<String> {
    let Action::Http(request) = &step.action else { return None };
    let Body::Json { value, .. } = &request.body else { return None };
    value.get("name")?.as_str().map(str::to_owned)
}
