//! Compares the bundle's kit and scenarios with this kit's.

use crate::digest;
use crate::manifest::{FileDigest, Manifest, SCENARIOS};

use super::escape::escaped;
use super::options::Options;
use super::report::{Area, Report};

pub(super) fn verify(manifest: &Manifest, options: &Options, report: &mut Report) {
    let (theirs, ours) = (manifest.kit.version.as_str(), env!("CARGO_PKG_VERSION"));
    let is_same_program =
        options.executable.is_some() && manifest.kit_executable_sha256 == options.executable;
    if theirs != ours {
        let theirs = escaped(theirs);
        report.warn(
            Area::Kit,
            format!("created by version {theirs}, this is {ours}: verdicts are compared, messages are not"),
        );
    } else if is_same_program {
        report.good(Area::Kit, format!("version {ours}, the same program"));
    } else {
        report.good(Area::Kit, format!("version {ours}, another build"));
    }
    verify_scenarios(manifest, options, report);
}

/// Checks that the scenarios are this kit's: a doctored scenario is the obvious way to forge a good result.
fn verify_scenarios(manifest: &Manifest, options: &Options, report: &mut Report) {
    let included = manifest.files.iter().filter(|file| file.path.starts_with(SCENARIOS)).count();
    let mut differences = foreign_files(manifest, options);
    differences.extend(missing_snapshots(manifest, options));
    if differences.is_empty() {
        report.good(Area::Scenarios, format!("{included} files, all identical to this kit's"));
    } else if options.accepts_scenarios {
        let (count, list) = (differences.len(), differences.join("; "));
        report.warn(
            Area::Scenarios,
            format!("{count} of {included} files differ from this kit's (accepted): {list}"),
        );
    } else {
        report.bad_all(Area::Scenarios, differences);
        report.bad(
            Area::Scenarios,
            "not this kit's scenarios: use --accept-scenarios if you trust them".to_owned(),
        );
    }
}

fn foreign_files(manifest: &Manifest, options: &Options) -> Vec<String> {
    let mut foreign = Vec::new();
    for file in &manifest.files {
        let Some(path) = file.path.strip_prefix(SCENARIOS) else { continue };
        match options.own_scenarios.iter().find(|own| own.path == path) {
            None => foreign.push(format!("{} is not one of this kit's scenarios", escaped(path))),
            Some(own) if digest(&own.content) != file.sha256 => {
                foreign.push(format!("{} differs from this kit's", escaped(path)));
            }
            Some(_) => {}
        }
    }
    foreign
}

/// Removing a snapshot of an included sub-test would weaken its checks.
fn missing_snapshots(manifest: &Manifest, options: &Options) -> Vec<String> {
    let is_of_included_subtest = |snapshot: &str| {
        manifest
            .files
            .iter()
            .filter_map(subtest_path)
            .any(|subtest| snapshot.strip_prefix(subtest).is_some_and(|rest| rest.starts_with(".snap/")))
    };
    let is_missing = |path: &str| manifest.file(&format!("{SCENARIOS}{path}")).is_none();
    let own = options.own_scenarios.iter().map(|own| own.path.as_str());
    let missing = own.filter(|path| is_of_included_subtest(path) && is_missing(path));
    missing.map(|path| format!("{path} is missing, but is one of this kit's scenarios")).collect()
}

/// Returns the path of a scenario file without its extension.
fn subtest_path(file: &FileDigest) -> Option<&str> {
    file.path.strip_prefix(SCENARIOS)?.strip_suffix(".toml")
}
