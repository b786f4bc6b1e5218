//! Checks the declarations of deviations against the statements, the sub-tests and the program. Pure.

use std::collections::BTreeSet;

use harness_model::library::Library;
use harness_model::requirement::{Level, Registry};
use harness_model::scenario::model::Scenario;
use harness_model::source::spelling::nearest;

use harness_report::diagnosis::catalogue::{Catalogue, Declared};

use crate::families;

/// A check that one or two defects fail may still let a third way to break its statement pass.
pub const ENOUGH_DEVIATIONS: usize = 3;

/// Unknown ids, and deviations that are only declared or only implemented, one line each.
pub fn mistakes(catalogue: &Catalogue, library: &Library) -> Vec<String> {
    let registry = &library.registry;
    let mut mistakes = Vec::new();
    let mut seen = BTreeSet::new();
    for declared in &catalogue.deviations {
        let id = &declared.id;
        if !seen.insert(id.as_str()) {
            mistakes.push(format!("{id} is declared twice"));
        }
        if families::named(id).is_none() {
            let known = families::all().map(|(_, known, _)| known);
            mistakes.push(format!("{id} is declared and not implemented{}", did_you_mean(id, known)));
        }
        for statement in declared.breaks.iter().filter(|statement| registry.get(statement).is_none()) {
            mistakes.push(format!("{id} breaks {}", unknown_statement(registry, statement)));
        }
        for subtest in declared.caught_by.iter().filter(|subtest| scenario(library, subtest).is_none()) {
            let known = library.scenarios.iter().map(|scenario| scenario.id.as_str());
            mistakes.push(format!(
                "{id} is caught by the unknown sub-test {subtest}{}",
                did_you_mean(subtest, known)
            ));
        }
        if declared.breaks.is_empty() || declared.caught_by.is_empty() {
            mistakes.push(format!(
                "{id} needs at least one statement in `breaks` and one sub-test in `caught_by`"
            ));
        }
    }
    for (_, id, _) in families::all().filter(|(_, id, _)| !seen.contains(id)) {
        mistakes.push(format!("{id} is implemented and not declared in fixtures/deviations.toml"));
    }
    for statement in catalogue.unproven.iter().flat_map(|unproven| &unproven.statements) {
        if registry.get(statement).is_none() {
            mistakes.push(format!("fixtures/unproven.toml has {}", unknown_statement(registry, statement)));
        }
    }
    mistakes
}

/// Statements binding for other implementations that have neither a deviation nor a reason why none proves them, and
/// statements that have both; one line each.
pub fn gaps(catalogue: &Catalogue, registry: &Registry) -> Vec<String> {
    let mut gaps = Vec::new();
    for requirement in registry.all() {
        let id = &requirement.id;
        let binds = requirement.level != Level::Ours;
        match (catalogue.proving(id).first(), catalogue.unproven(id)) {
            (None, None) if binds => gaps.push(format!(
                "{id} is not proven by a deviation; add one, or give the reason in fixtures/unproven.toml"
            )),
            (Some(declared), Some(_)) => {
                gaps.push(format!("{id} is in fixtures/unproven.toml although {} proves it", declared.id));
            }
            _ => {}
        }
    }
    gaps
}

/// The `must` statements that fewer than [`ENOUGH_DEVIATIONS`] deviations break, with how many do, in the registry's
/// order. Statements that `fixtures/unproven.toml` excuses are left out.
pub fn thin<'a>(catalogue: &Catalogue, registry: &'a Registry) -> Vec<(&'a str, usize)> {
    let binding = registry.all().iter().filter(|requirement| requirement.level == Level::Must);
    binding
        .filter(|requirement| catalogue.unproven(&requirement.id).is_none())
        .map(|requirement| (requirement.id.as_str(), catalogue.proving(&requirement.id).len()))
        .filter(|(_, count)| *count < ENOUGH_DEVIATIONS)
        .collect()
}

/// Statements and sub-tests of a declaration that no longer have a check for each other, one line each.
pub fn unchecked(declared: &Declared, library: &Library) -> Vec<String> {
    let catching: Vec<&Scenario> =
        declared.caught_by.iter().filter_map(|subtest| scenario(library, subtest)).collect();
    let checks = |scenario: &Scenario, statement: &String| {
        scenario.steps.iter().flat_map(|step| &step.checks).any(|check| check.verifies.contains(statement))
    };
    let no_check = |statement: &&String| !catching.iter().any(|scenario| checks(scenario, statement));
    let has_no_check = |scenario: &&&Scenario| !declared.breaks.iter().any(|broken| checks(scenario, broken));
    let unproven = declared.breaks.iter().filter(no_check).map(|statement| {
        format!("{statement} is no longer proven: no check in {} names it", declared.caught_by.join(", "))
    });
    let idle = catching
        .iter()
        .filter(has_no_check)
        .map(|scenario| format!("{} has no check on {}", scenario.id, declared.breaks.join(", ")));
    unproven.chain(idle).collect()
}

fn scenario<'a>(library: &'a Library, id: &str) -> Option<&'a Scenario> {
    library.scenarios.iter().find(|scenario| scenario.id == id).map(AsRef::as_ref)
}

fn unknown_statement(registry: &Registry, id: &str) -> String {
    format!("the unknown statement {id}{}", did_you_mean(id, registry.did_you_mean(id)))
}

fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
