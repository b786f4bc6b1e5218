use std::collections::BTreeSet;
use std::io::{Read, Seek};

use harness_report::headline;
use harness_report::results::Results;

use crate::archive::Archive;
use crate::manifest::{EXCHANGES, FileDigest, Manifest, RESULTS, SCENARIOS, STATEMENT};
use crate::statement::{self, Subject};

use super::difference::{CheckPosition, Scope, differences};
use super::report::{Area, Report};

/// Upper bound of the results: ten thousand checks take a few megabytes.
const MAX_RESULTS_LEN: u64 = 512 << 20;

/// Reads the recorded results and compares them with the manifest and the statement.
pub(super) fn read<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    report: &mut Report,
) -> Option<Results> {
    let member = archive.member(RESULTS)?;
    let text = match archive.read_all(&member, MAX_RESULTS_LEN) {
        Ok(text) => text,
        Err(error) => {
            report.bad(Area::Results, format!("reading {RESULTS} failed: {error}"));
            return None;
        }
    };
    let results: Results = match Results::read(&text) {
        Ok(results) => results,
        Err(error) => {
            report.bad(Area::Results, format!("invalid {RESULTS}: {error}"));
            return None;
        }
    };
    if !is_summarised_by(manifest, &results) {
        report.bad(
            Area::Results,
            format!("target, time, verdict or totals in the manifest differ from {RESULTS}"),
        );
    }
    let is_of_this_version = manifest.kit.version == env!("CARGO_PKG_VERSION");
    if is_of_this_version && !is_stated(archive, manifest, &results) {
        report.bad(Area::Results, format!("{STATEMENT} does not match {RESULTS}"));
    }
    Some(results)
}

/// Compares the recorded results with the reproduced ones. Messages are compared if `compares_messages`, except those
/// of the checks in `secret_messages`.
pub(super) fn compare(
    recorded: &Results,
    reproduced: &Results,
    compares_messages: bool,
    secret_messages: BTreeSet<CheckPosition>,
    report: &mut Report,
) {
    let found = differences(recorded, reproduced, &Scope { compares_messages, secret_messages });
    if found.is_empty() {
        let totals = &reproduced.totals;
        report.good(
            Area::Results,
            format!(
                "reproduced: {}; {} of {} sub-tests pass; {}",
                headline::verdict(reproduced),
                headline::count(&totals.subtests, "pass"),
                headline::count(&totals.subtests, "total"),
                headline::statements(totals),
            ),
        );
    }
    let found = found.into_iter().map(|difference| format!("{RESULTS}: {difference}"));
    report.bad_all(Area::Results, found.collect());
}

fn is_summarised_by(manifest: &Manifest, results: &Results) -> bool {
    manifest.target == results.target
        && manifest.started_at == results.started_at
        && manifest.verdict == results.verdict
        && manifest.exit_code == results.exit_code
        && manifest.totals == results.totals
}

fn is_stated<R: Read + Seek>(archive: &mut Archive<R>, manifest: &Manifest, results: &Results) -> bool {
    let configuration: Vec<FileDigest> =
        manifest.files.iter().filter(|file| file.path.starts_with(SCENARIOS)).cloned().collect();
    let subject = Subject {
        program: manifest.kit_executable_sha256.as_deref(),
        exchanges: manifest.file(EXCHANGES).map_or("", |file| file.sha256.as_str()),
    };
    let expected = statement::render(results, subject, &configuration).unwrap_or_default();
    let stated = archive.member(STATEMENT).and_then(|member| archive.read_all(&member, MAX_RESULTS_LEN).ok());
    stated.is_some_and(|stated| stated == expected.as_bytes())
}
