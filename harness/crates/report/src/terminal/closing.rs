//! The closing lines: a table of suites, what was not judged and why, where the details are, and the verdict.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::exit_code::ExitCode;
use crate::headline;
use crate::level;
use crate::results::Results;
use crate::unjudged::unjudged;
use harness_model::plan::waiver::WaiverState;
use harness_model::text::{counted, truncated};

use super::page::Page;
use super::paint::Paint;
use super::process_end::ProcessEnd;
use super::table;

/// Lines of the closing. It shares a screen with the last failure.
const MAX_LINES: usize = 15;
/// Lines of the same kind.
const MAX_SIMILAR: usize = 2;

pub(super) fn write(page: &mut Page, results: &Results, end: ProcessEnd<'_>) {
    let mut first = table::suites(results, page.width);
    if let Some(heading) = first.first_mut() {
        *heading = page.paint.faint(heading);
    }
    let last = ending(page, results, end);
    let room = MAX_LINES.saturating_sub(first.len() + last.len());
    let mut between: Vec<String> = Vec::new();
    let mut omitted = 0;
    for remark in remarks(page, results) {
        if between.len() + 1 < room {
            between.push(remark);
        } else {
            omitted += 1;
        }
    }
    if omitted > 0 {
        between.push(format!("… {}: -v or the reports", counted(omitted, "more line")));
    }
    for line in first.into_iter().chain(between).chain(last) {
        page.line(&line);
    }
}

/// Writes where the details are, and the verdict.
pub(super) fn write_ending(page: &mut Page, results: &Results, end: ProcessEnd<'_>) {
    for line in ending(page, results, end) {
        page.line(&line);
    }
}

/// Writes what `-q` leaves of the closing lines: what failed the run besides its sub-tests, and the verdict.
pub(super) fn write_verdict(page: &mut Page, results: &Results, end: ProcessEnd<'_>) {
    for trouble in headline::troubles(results) {
        page.hanging("not passed: ", &trouble);
    }
    for line in verdict_lines(page, results, end) {
        page.line(&line);
    }
}

fn ending(page: &Page, results: &Results, end: ProcessEnd<'_>) -> Vec<String> {
    let mut lines = page.wrapped("statements: ", &headline::statements(&results.totals));
    if let Some(levels) = level::sentence(&results.levels) {
        lines.push(truncated(&format!("levels: {levels}"), page.limit).into_owned());
    }
    lines.extend(details(page, end));
    lines.extend(verdict_lines(page, results, end));
    lines
}

fn verdict_lines(page: &Page, results: &Results, end: ProcessEnd<'_>) -> Vec<String> {
    let verdict = page.wrapped("verdict: ", &verdict(results, end.exit_code));
    let painted = |(position, line): (usize, &String)| match line.strip_prefix("verdict: ") {
        Some(rest) if position == 0 => {
            format!("{} {}", page.paint.bold("verdict:"), paint(results, end.exit_code, page.paint, rest))
        }
        _ => paint(results, end.exit_code, page.paint, line),
    };
    verdict.iter().enumerate().map(painted).collect()
}

/// Returns where the lists and the failures are in full.
fn details(page: &Page, end: ProcessEnd<'_>) -> Vec<String> {
    if end.reports.is_empty() {
        return page.wrapped("details: ", "-v prints everything, --report-dir writes every report");
    }
    let mut folders: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
    for report in end.reports {
        let folder = report.parent().unwrap_or(Path::new(""));
        let name = report.file_name().unwrap_or(report.as_os_str()).to_string_lossy().into_owned();
        folders.entry(folder).or_default().push(name);
    }
    let lines = folders.into_iter().flat_map(|(folder, names)| match names.as_slice() {
        [only] => page.wrapped("report written to ", &folder.join(only).display().to_string()),
        _ if folder.as_os_str().is_empty() => page.wrapped("reports written: ", &names.join(", ")),
        _ => page.wrapped("reports written to ", &format!("{}: {}", folder.display(), names.join(", "))),
    });
    lines.collect()
}

/// Returns the verdict, and on the same line what it does not cover.
fn verdict(results: &Results, exit_code: ExitCode) -> String {
    let seconds = Duration::from_millis(results.duration_ms).as_secs_f64();
    let code = u8::from(exit_code);
    let unwritten = if code == results.exit_code { "" } else { ": a report could not be written" };
    let words = match results.verdict.is_pass() {
        true => headline::badge(results),
        false => {
            let unverified = headline::count(&results.totals.requirements, "unverified");
            let what = headline::verdict(results);
            let counts = headline::counts(results);
            format!("{what}; {counts}, {} not verified", counted(unverified, "statement"))
        }
    };
    format!("{words} (exit {code}{unwritten}) after {seconds:.2} s")
}

fn paint(results: &Results, exit_code: ExitCode, paint: Paint, text: &str) -> String {
    match exit_code {
        ExitCode::Conformant if results.extent.waivers > 0 => paint.yellow(text),
        ExitCode::Conformant => paint.green(text),
        _ => paint.red(text),
    }
}

/// Returns everything worth knowing beside the table, one line each, the most important first.
fn remarks(page: &Page, results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |label: &str, text: &str| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.push(truncated(&format!("{label}{text}"), page.limit).into_owned());
    };
    let gaps: Vec<String> = results.gaps.iter().map(ToString::to_string).collect();
    for (label, all) in [("gap: ", &gaps), ("worse: ", &results.regressions)] {
        all.iter().take(MAX_SIMILAR).for_each(|one| tell(label, one));
        if let Some(more @ 1..) = all.len().checked_sub(MAX_SIMILAR) {
            tell(label, &format!("… and {more} more"));
        }
    }
    for waiver in results.waivers.iter().filter(|waiver| waiver.state != WaiverState::Used) {
        let what = match waiver.state {
            WaiverState::Expired => "; fix what it covers, or extend it",
            WaiverState::Unneeded => "; nothing that it covers fails: remove it",
            WaiverState::Used | WaiverState::NotJudged => "",
        };
        tell("waiver ", &format!("{}: {waiver}{what}", waiver.state.in_words()));
    }
    let leftovers = headline::leftovers(results);
    if !leftovers.is_empty() {
        tell("not cleaned up: ", &format!("{}, listed above", counted(leftovers.len(), "thing")));
    }
    for waiver in results.waivers.iter().filter(|waiver| waiver.state == WaiverState::Used) {
        tell("waiver ", &format!("{}: {waiver}", waiver.state.in_words()));
    }
    for group in unjudged(results) {
        tell("not judged: ", &format!("{}: {}", group.counts(), group.reason));
    }
    match results.retries {
        0 => {}
        1 => tell("retries: ", "1 read was retried after a connection failure"),
        count => tell("retries: ", &format!("{count} reads were retried after connection failures")),
    }
    let notes =
        results.subtests.iter().flat_map(|subtest| &subtest.checks).flat_map(|check| &check.notes).count();
    if notes > 0 {
        tell("notes: ", &format!("{notes} in the json report; --strict turns them into failures"));
    }
    lines
}
