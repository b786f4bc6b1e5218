//! The sub-tests that did not pass: in full with `-v`, otherwise in a bounded number of lines.

use harness_model::check::outcome::CheckVerdict;
use harness_model::requirement::Registry;
use harness_model::text::{counted, plural};

use crate::record::Record;
use crate::results::Results;

use super::brief;
use super::cause::{Failure, FailureGroup, groups};
use super::complete;
use super::page::Page;
use super::process_end::ProcessEnd;

/// Lines of the whole report, so that a failing run can be read from its beginning.
const MAX_LINES: usize = 190;
/// Lines of the failures, however many sub-tests are listed above them.
const MIN_LINES: usize = 60;
/// Lines of everything else: the heading, the diagnosis and the closing.
const OTHER_LINES: usize = 26;

/// Writes the diagnosis and the failures.
pub(super) fn write(
    page: &mut Page,
    record: &Record,
    results: &Results,
    registry: &Registry,
    end: ProcessEnd<'_>,
    is_verbose: bool,
) {
    let groups = groups(record);
    if groups.is_empty() {
        return;
    }
    if !results.diagnosis.is_empty() {
        page.line("");
    }
    for resemblance in &results.diagnosis {
        page.hanging("diagnosis: ", &resemblance.to_string());
    }
    if is_verbose {
        complete::write(page, record, registry);
    } else {
        let room = MAX_LINES.saturating_sub(record.plan.runs() + OTHER_LINES).max(MIN_LINES);
        write_bounded(page, &groups, registry, room);
    }
    write_commands(page, &groups, end);
    if results.target.reference && results.target.deviating.is_none() {
        write_advice_on_snapshots(page, results);
    }
}

/// Tells the kit's own developers how to accept a changed answer of the reference.
fn write_advice_on_snapshots(page: &mut Page, results: &Results) {
    let failed = results.subtests.iter().flat_map(|subtest| &subtest.checks);
    let differing =
        failed.filter(|check| check.verdict == CheckVerdict::Fail && is_about_snapshot(&check.message));
    match differing.count() {
        0 => {}
        count => page.line(&format!(
            "{count} {}: `harness review` and `cargo insta review` accept answers one by one, `harness --accept` all",
            plural(count, "snapshot differs", "snapshots differ")
        )),
    }
}

/// Whether the message is that of a snapshot.
fn is_about_snapshot(message: &str) -> bool {
    message.starts_with("snapshot `")
}

/// Writes each group of failures in full as long as there is room, and then in two lines.
fn write_bounded(page: &mut Page, groups: &[FailureGroup<'_>], registry: &Registry, room: usize) {
    let begun = page.lines_written();
    let mut is_short = false;
    for (position, group) in groups.iter().enumerate() {
        let left = groups.len() - position - 1;
        let used = page.lines_written() - begun;
        let mut whole = page.empty();
        brief::write(&mut whole, group, registry);
        let needs = whole.lines_written() + left * brief::SHORT_LINES;
        if used + needs <= room && !is_short {
            page.append(&whole);
        } else if used + brief::SHORT_LINES <= room || left == 0 {
            if !is_short {
                page.line("");
            }
            is_short = true;
            brief::write_short(page, group);
        } else {
            let others = groups.iter().skip(position);
            let subtests = others.map(|group| group.others.len() + 1).sum();
            let (more, fails) = (counted(subtests, "more sub-test"), plural(subtests, "fails", "fail"));
            page.line("");
            page.line(&format!("… {more} {fails}; -v and the reports have them all"));
            return;
        }
    }
}

/// Writes how to run the first failure alone, and what explains its statement.
fn write_commands(page: &mut Page, groups: &[FailureGroup<'_>], end: ProcessEnd<'_>) {
    let failures = || groups.iter().map(|group| &group.first);
    let Some(first) = failures().find(|failure| is_failed(failure)).or_else(|| failures().next()) else {
        return;
    };
    page.line("");
    page.line(&format!("run it alone:  {} --filter {}", end.command, first.scenario.id));
    if let Some(statement) = first.cause.and_then(|cause| cause.outcome.statements.first()) {
        page.line(&format!("explain it:    harness explain {statement}"));
    }
}

fn is_failed(failure: &Failure<'_>) -> bool {
    failure.cause.is_some_and(|cause| cause.outcome.verdict == CheckVerdict::Fail)
}
