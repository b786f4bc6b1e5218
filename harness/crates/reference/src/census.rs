//! Whether what is declared fits the statements, the sub-tests and the program: pure, without a run.

use std::collections::BTreeSet;

use harness_model::requirement::{Level, Registry};
use harness_model::scenario::Library;
use harness_model::scenario::model::Scenario;
use harness_model::source::spelling::nearest;

use crate::families;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};

/// Names that do not exist, and deviations that only one of file and program has; a line each.
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
            mistakes.push(format!("{id}: the program has no such deviation{}", meant(id, known)));
        }
        for statement in declared.breaks.iter().filter(|statement| registry.get(statement).is_none()) {
            mistakes.push(format!("{id} breaks {statement}, {}", no_statement(registry, statement)));
        }
        for subtest in declared.caught_by.iter().filter(|subtest| scenario(library, subtest).is_none()) {
            let known = library.scenarios.iter().map(|scenario| scenario.id.as_str());
            mistakes
                .push(format!("{id} is caught by {subtest}, which is no sub-test{}", meant(subtest, known)));
        }
        if declared.breaks.is_empty() || declared.caught_by.is_empty() {
            mistakes.push(format!("{id} breaks nothing, or nothing catches it"));
        }
    }
    for (_, id, _) in families::all().filter(|(_, id, _)| !seen.contains(id)) {
        mistakes.push(format!("{id} is in the program and not in fixtures/deviations.toml"));
    }
    for statement in catalogue.unproven.iter().flat_map(|unproven| &unproven.statements) {
        if registry.get(statement).is_none() {
            mistakes.push(format!("unproven: {statement}, {}", no_statement(registry, statement)));
        }
    }
    mistakes
}

/// Statements that bind others and that neither a deviation proves nor a reason excuses, and those of which
/// both is said; a line each.
pub fn gaps(catalogue: &Catalogue, registry: &Registry) -> Vec<String> {
    let mut gaps = Vec::new();
    for requirement in registry.all() {
        let id = &requirement.id;
        let binds = requirement.level != Level::Ours;
        match (catalogue.proving(id).first(), catalogue.unproven(id)) {
            (None, None) if binds => gaps.push(format!(
                "{id} is proven by no deviation; add one, or say why not in fixtures/unproven.toml"
            )),
            (Some(declared), Some(_)) => {
                gaps.push(format!("{id} is called unproven, and {} proves it", declared.id));
            }
            _ => {}
        }
    }
    gaps
}

/// What a deviation was to prove and cannot, since no check is left that would; a line each.
pub fn unchecked(declared: &Declared, library: &Library) -> Vec<String> {
    let catching: Vec<&Scenario> =
        declared.caught_by.iter().filter_map(|subtest| scenario(library, subtest)).collect();
    let checks = |scenario: &Scenario, statement: &String| {
        scenario.steps.iter().flat_map(|step| &step.checks).any(|check| check.verifies.contains(statement))
    };
    let no_check = |statement: &&String| !catching.iter().any(|scenario| checks(scenario, statement));
    let useless = |scenario: &&&Scenario| !declared.breaks.iter().any(|broken| checks(scenario, broken));
    let unproven = declared.breaks.iter().filter(no_check).map(|statement| {
        format!("{statement} is no longer proven: no check in {} names it", declared.caught_by.join(", "))
    });
    let idle = catching
        .iter()
        .filter(useless)
        .map(|scenario| format!("{} has no check on {}", scenario.id, declared.breaks.join(", ")));
    unproven.chain(idle).collect()
}

fn scenario<'a>(library: &'a Library, id: &str) -> Option<&'a Scenario> {
    library.scenarios.iter().find(|scenario| scenario.id == id).map(AsRef::as_ref)
}

fn no_statement(registry: &Registry, id: &str) -> String {
    format!("which is no statement{}", meant(id, registry.did_you_mean(id)))
}

fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
