//! What all files together say: titles, snapshots, and statements that nothing judges.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::requirement::{Level, Registry, Requirement, Via};

use super::model::{Scenario, Span, Subject};
use crate::source::diagnostic::{Diagnostic, Severity};

/// A snapshot that is there.
#[derive(Debug, Clone)]
pub(super) struct SnapshotFile {
    /// The folder that it is in.
    pub(super) folder: PathBuf,
    /// Its name.
    pub(super) name: String,
    /// The path as it is shown.
    pub(super) shown: PathBuf,
}

/// What is wrong or odd with these scenarios as a whole. `shown` stands for their folder.
pub(super) fn whole(
    scenarios: &[Scenario],
    registry: &Registry,
    snapshots: &[SnapshotFile],
    shown: &Path,
) -> Vec<Diagnostic> {
    let mut diagnostics = titles(scenarios);
    diagnostics.extend(missing_snapshots(scenarios, snapshots));
    diagnostics.extend(stale_snapshots(scenarios, snapshots));
    diagnostics.extend(unjudged(scenarios, registry, shown));
    diagnostics
}

fn titles(scenarios: &[Scenario]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<&str, &Scenario> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for scenario in scenarios {
        match first.get(scenario.title.as_str()) {
            Some(other) => {
                let message = format!("this sub-test has the title of {}", other.id);
                let help = "say what sets it apart";
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
    let there: BTreeSet<(&Path, &str)> =
        snapshots.iter().map(|snapshot| (snapshot.folder.as_path(), snapshot.name.as_str())).collect();
    let mut diagnostics = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.skip.is_none()) {
        for (name, span) in referenced(scenario) {
            if !there.contains(&(scenario.snapshots.as_path(), name)) {
                diagnostics.push(Diagnostic {
                    severity: Severity::Warning,
                    path: scenario.source.path.clone(),
                    span: Some(span.clone()),
                    message: format!("the snapshot `{name}` has no file yet"),
                    help: Some("run the sub-test with --accept and read what it wrote".to_owned()),
                });
            }
        }
    }
    diagnostics
}

fn stale_snapshots(scenarios: &[Scenario], snapshots: &[SnapshotFile]) -> Vec<Diagnostic> {
    let wanted: BTreeSet<(&Path, &str)> = scenarios
        .iter()
        .flat_map(|scenario| referenced(scenario).map(|(name, _)| (scenario.snapshots.as_path(), name)))
        .collect();
    snapshots
        .iter()
        .filter(|snapshot| !wanted.contains(&(snapshot.folder.as_path(), snapshot.name.as_str())))
        .map(|snapshot| {
            let diagnostic = Diagnostic::of_file(&snapshot.shown, "no check refers to this snapshot");
            diagnostic.warning().help("delete it")
        })
        .collect()
}

/// The `must` and `either` statements of chapters that have sub-tests which no check and no skip names.
fn unjudged(scenarios: &[Scenario], registry: &Registry, shown: &Path) -> Vec<Diagnostic> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for scenario in scenarios {
        named.extend(scenario.statements().map(String::as_str));
    }
    let mut diagnostics = Vec::new();
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
        let (noun, verb) = if count == 1 { ("statement", "has") } else { ("statements", "have") };
        let message =
            format!("{count} {noun} of chapter `{}` {verb} no check: {}", chapter.id, missing.join(", "));
        let diagnostic = Diagnostic::of_file(&shown.join("requirements.toml"), message).warning();
        diagnostics
            .push(diagnostic.help("add a check, or a sub-test with `skip` that says why there is none"));
    }
    diagnostics
}

fn referenced(scenario: &Scenario) -> impl Iterator<Item = (&str, &Span)> {
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
