//! Lints across all files: duplicate titles, missing and unused snapshots, statements without a check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::requirement::{Level, Registry, Requirement, Via};

use crate::text::{counted, plural};

use crate::scenario::model::{Scenario, Span, Subject};
use crate::source::diagnostic::{Diagnostic, Severity};

#[derive(Debug, Clone)]
pub(super) struct SnapshotFile {
    pub(super) folder: PathBuf,
    pub(super) name: String,
    /// The path shown in messages.
    pub(super) shown: PathBuf,
}

/// Lints all scenarios. Messages show `shown` in place of their folder.
pub(super) fn library(
    scenarios: &[Scenario],
    registry: &Registry,
    snapshots: &[SnapshotFile],
    shown: &Path,
) -> Vec<Diagnostic> {
    let mut diagnostics = duplicate_titles(scenarios);
    diagnostics.extend(missing_snapshots(scenarios, snapshots));
    diagnostics.extend(unused_snapshots(scenarios, snapshots));
    diagnostics.extend(unchecked_statements(scenarios, registry, shown));
    diagnostics.extend(values_of_the_reference_alone(scenarios, registry));
    diagnostics
}

fn duplicate_titles(scenarios: &[Scenario]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<&str, &Scenario> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for scenario in scenarios {
        match first.get(scenario.title.as_str()) {
            Some(other) => {
                let message = format!("duplicate title, also used by {}", other.id);
                let help = "choose a title that says how they differ";
                diagnostics.push(Diagnostic::of_file(&scenario.source.path, message).help(help));
            }
            None => {
                first.insert(&scenario.title, scenario);
            }
        }
    }
    diagnostics
}

fn missing_snapshots(scenarios: &[Scenario], snapshots: &[SnapshotFile]) -> Vec<Diagnostic> {
    let existing: BTreeSet<(&Path, &str)> =
        snapshots.iter().map(|snapshot| (snapshot.folder.as_path(), snapshot.name.as_str())).collect();
    let mut diagnostics = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.skip.is_none()) {
        for (name, span) in referenced_snapshots(scenario) {
            if !existing.contains(&(scenario.snapshots.as_path(), name)) {
                diagnostics.push(Diagnostic {
                    severity: Severity::Warning,
                    path: scenario.source.path.clone(),
                    span: Some(span.clone()),
                    message: format!("missing snapshot `{name}`"),
                    help: Some("run the sub-test with --accept and review the new file".to_owned()),
                });
            }
        }
    }
    diagnostics
}

fn unused_snapshots(scenarios: &[Scenario], snapshots: &[SnapshotFile]) -> Vec<Diagnostic> {
    let referenced: BTreeSet<(&Path, &str)> = scenarios
        .iter()
        .flat_map(|scenario| {
            referenced_snapshots(scenario).map(|(name, _)| (scenario.snapshots.as_path(), name))
        })
        .collect();
    snapshots
        .iter()
        .filter(|snapshot| !referenced.contains(&(snapshot.folder.as_path(), snapshot.name.as_str())))
        .map(|snapshot| {
            let diagnostic = Diagnostic::of_file(&snapshot.shown, "unused snapshot");
            diagnostic.warning().help("delete the file: no check refers to it")
        })
        .collect()
}

/// Finds documented statements that no check and no skipped sub-test names, in chapters with sub-tests.
fn unchecked_statements(scenarios: &[Scenario], registry: &Registry, shown: &Path) -> Vec<Diagnostic> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for scenario in scenarios {
        named.extend(scenario.statements().map(String::as_str));
    }
    let mut diagnostics: Vec<Diagnostic> = unchecked_choices(&named, registry, shown).into_iter().collect();
    for chapter in registry.chapters() {
        if !scenarios.iter().any(|scenario| scenario.chapter == chapter.id) {
            continue;
        }
        let missing: Vec<String> = registry
            .of_chapter(&chapter.id)
            .filter(|requirement| {
                requirement.level != Level::Ours && !named.contains(requirement.id.as_str())
            })
            .map(|requirement| format!("{} ({})", requirement.id, via(requirement)))
            .collect();
        if missing.is_empty() {
            continue;
        }
        let count = missing.len();
        let message = format!(
            "{} of chapter `{}` {} no check: {}",
            counted(count, "statement"),
            chapter.id,
            plural(count, "has", "have"),
            missing.join(", ")
        );
        let diagnostic = Diagnostic::of_file(&shown.join("requirements.toml"), message).warning();
        diagnostics.push(diagnostic.help("add a check, or a sub-test with `skip` and the reason"));
    }
    diagnostics
}

/// Finds choices of the reference that nothing checks.
fn unchecked_choices(named: &BTreeSet<&str>, registry: &Registry, shown: &Path) -> Option<Diagnostic> {
    let ours = registry.all().iter().filter(|requirement| requirement.level == Level::Ours);
    let missing: Vec<&str> =
        ours.map(|requirement| requirement.id.as_str()).filter(|id| !named.contains(id)).collect();
    let count = missing.len();
    let message = format!(
        "{} of the reference {} no check: {}",
        counted(count, "choice"),
        plural(count, "has", "have"),
        missing.join(", ")
    );
    let diagnostic = Diagnostic::of_file(&shown.join("requirements.toml"), message).warning();
    (count > 0).then(|| diagnostic.help("add a check, or remove the statement"))
}

/// Finds steps that judge documented statements with a value which only steps of the reference's own keep. Other targets
/// are not judged by them, since such steps are left out there.
fn values_of_the_reference_alone(scenarios: &[Scenario], registry: &Registry) -> Vec<Diagnostic> {
    let is_ours = |id: &String| registry.get(id).is_some_and(|known| known.level == Level::Ours);
    let mut diagnostics = Vec::new();
    for scenario in scenarios {
        let mut lost: BTreeSet<&str> = BTreeSet::new();
        for step in &scenario.steps {
            let is_left_out =
                !step.checks.is_empty() && step.checks.iter().flat_map(|check| &check.verifies).all(is_ours);
            let used = step.uses.action.iter().chain(&step.uses.rows_and_conditions);
            let of_checks = step.checks.iter().filter(|check| !check.verifies.iter().all(is_ours));
            let used: BTreeSet<&str> =
                used.chain(of_checks.flat_map(|check| &check.variables)).map(String::as_str).collect();
            if let Some(name) = used.intersection(&lost).next()
                && !is_left_out
                && !step.checks.is_empty()
            {
                diagnostics.push(Diagnostic {
                    severity: Severity::Warning,
                    path: scenario.source.path.clone(),
                    span: Some(step.span.clone()),
                    message: format!(
                        "this step judges documented statements with `${{{name}}}`, which only the reference has"
                    ),
                    help: Some(
                        "keep it in a step that other targets carry out: one without checks, or with a check on a \
                         documented statement"
                            .to_owned(),
                    ),
                });
            }
            for name in step.assigned() {
                if is_left_out {
                    lost.insert(name)
                } else {
                    lost.remove(name)
                };
            }
        }
    }
    diagnostics
}

pub(super) fn referenced_snapshots(scenario: &Scenario) -> impl Iterator<Item = (&str, &Span)> {
    let checks = scenario.steps.iter().flat_map(|step| &step.checks);
    checks.flat_map(|check| check.alternatives.iter().flatten()).filter_map(|expectation| match &expectation
        .subject
    {
        Subject::Snapshot(name) => Some((name.as_str(), &expectation.span)),
        _ => None,
    })
}

fn via(requirement: &Requirement) -> String {
    let word = |via: &Via| match via {
        Via::Http => "http",
        Via::Cli => "cli",
        Via::Dashboard => "dashboard",
        Via::Wire => "wire",
        Via::Clock => "clock",
    };
    requirement.via.iter().map(word).collect::<Vec<_>>().join(", ")
}
