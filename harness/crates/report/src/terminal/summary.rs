//! The closing lines: skipped sub-tests, unverified statements, counts and the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::coverage::StatementVerdict;
use crate::exit_code::ExitCode;
use crate::headline;
use crate::results::{RequirementResult, Results};
use harness_model::event::SubtestVerdict;
use harness_model::plan::waiver::WaiverState;

use super::page::Page;
use super::paint::Paint;
use super::process_end::ProcessEnd;

/// Prefix of the reason of a partly verified statement.
const IN_PART: &str = "partly: ";
/// Statements listed per reason.
const MAX_STATEMENTS: usize = 12;

pub(super) fn write(page: &mut Page, results: &Results, end: ProcessEnd<'_>) {
    page.line("");
    details(page, results);
    write_verdict(page, results, end);
}

/// Writes the counts and the verdict only.
pub(super) fn write_verdict(page: &mut Page, results: &Results, end: ProcessEnd<'_>) {
    counts(page, results);
    for report in end.reports {
        page.line(&format!("report written to {}", report.display()));
    }
    let paint = page.paint;
    page.line(&format!("{} {}", paint.bold("verdict:"), verdict(results, end.exit_code, paint)));
}

fn verdict(results: &Results, exit_code: ExitCode, paint: Paint) -> String {
    let seconds = Duration::from_millis(results.duration_ms).as_secs_f64();
    let code = u8::from(exit_code);
    let unwritten = if code == results.exit_code { "" } else { ": a report could not be written" };
    let verdict = format!("{} (exit {code}{unwritten}) after {seconds:.2} s", headline::verdict(results));
    match exit_code {
        ExitCode::Conformant if results.extent.waivers > 0 => paint.yellow(&verdict),
        ExitCode::Conformant => paint.green(&verdict),
        _ => paint.red(&verdict),
    }
}

fn details(page: &mut Page, results: &Results) {
    skips(page, results);
    leftovers(page, results);
    retries(page, results);
    for gap in &results.gaps {
        page.hanging("gap: ", &gap.to_string());
    }
    for regression in &results.regressions {
        page.hanging("worse: ", regression);
    }
    remarks(page, results);
    for resemblance in &results.diagnosis {
        page.hanging("diagnosis: ", &resemblance.to_string());
    }
    statements_by_reason(page, results);
    claims(page, results);
    waivers(page, results);
}

/// Lists undeclared capabilities, so that they are not mistaken for a pass.
fn claims(page: &mut Page, results: &Results) {
    let unclaimed = |has_subtests: bool| {
        let some = results.capabilities.not_verified.iter();
        some.filter(move |unclaimed| unclaimed.subtests.is_empty() != has_subtests)
    };
    for capability in unclaimed(true) {
        let skipped = first(&capability.subtests.iter().map(String::as_str).collect::<Vec<_>>(), 4);
        let label = "not verified (not declared): ";
        page.hanging(label, &format!("{} ({skipped})", capability.capability));
    }
    let others: Vec<&str> = unclaimed(false).map(|unclaimed| unclaimed.capability.as_str()).collect();
    if !others.is_empty() {
        page.hanging("not declared, not needed here: ", &others.join(", "));
    }
}

fn waivers(page: &mut Page, results: &Results) {
    for waiver in &results.waivers {
        let state = waiver.state.in_words();
        let label = if waiver.state.is_stale() { page.paint.red(state) } else { state.to_owned() };
        let what = match waiver.state {
            WaiverState::Expired => "; fix what it covers, or extend it",
            WaiverState::Unneeded => "; nothing that it covers fails: remove it",
            WaiverState::Used | WaiverState::NotJudged => "",
        };
        page.hanging("waiver ", &format!("{label}: {waiver}{what}"));
    }
}

fn skips(page: &mut Page, results: &Results) {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for subtest in results.subtests.iter().filter(|subtest| subtest.verdict == SubtestVerdict::Skip) {
        let (reason, id) = (subtest.reason.as_deref().unwrap_or_default(), subtest.id.as_str());
        match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) if ids.contains(&id) => {}
            Some((_, ids)) => ids.push(id),
            None => by_reason.push((reason, vec![id])),
        }
    }
    for (reason, ids) in by_reason {
        page.hanging("skipped: ", &format!("{}: {reason}", ids.join(", ")));
    }
}

fn leftovers(page: &mut Page, results: &Results) {
    for subtest in &results.subtests {
        for leftover in &subtest.leftovers {
            page.hanging("not cleaned up: ", &format!("{}: {leftover}", subtest.id));
        }
    }
    for leftover in &results.leftovers {
        page.hanging("not cleaned up: ", leftover);
    }
}

/// Reports connection failures, although no verdict depends on them.
fn retries(page: &mut Page, results: &Results) {
    match results.retries {
        0 => {}
        1 => page.hanging("retries: ", "1 read was retried after a connection failure"),
        count => page.hanging("retries: ", &format!("{count} reads were retried after connection failures")),
    }
}

/// Counts undocumented fields and the like, which only `--strict` fails.
fn remarks(page: &mut Page, results: &Results) {
    let remarks =
        results.subtests.iter().flat_map(|subtest| &subtest.checks).flat_map(|check| &check.notes).count();
    if remarks > 0 {
        page.hanging(
            "notes: ",
            &format!("{remarks}; --strict turns them into failures, the json report lists them"),
        );
    }
}

fn statements_by_reason(page: &mut Page, results: &Results) {
    for (label, verdict) in
        [("verified ", StatementVerdict::Verified), ("unverified: ", StatementVerdict::Unverified)]
    {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for requirement in of(results, verdict) {
            let Some(reason) = &requirement.reason else { continue };
            by_reason.entry(reason).or_default().push(&requirement.id);
        }
        for (reason, ids) in by_reason {
            let ids = first(&ids, MAX_STATEMENTS);
            let content = match reason.strip_prefix(IN_PART) {
                Some(reason) => format!("{IN_PART}{ids}: {reason}"),
                None => format!("{ids}: {reason}"),
            };
            page.hanging(label, &content);
        }
    }
}

fn counts(page: &mut Page, results: &Results) {
    page.hanging("sub-tests: ", &headline::counts(results));
    page.hanging("checks: ", &headline::checks(results));
    page.hanging("statements: ", &headline::statements(&results.totals));
}

/// Joins the first ids and counts the rest; the json report has them all.
fn first(ids: &[&str], limit: usize) -> String {
    match ids.get(..limit) {
        Some(shown) if ids.len() > limit + 1 => {
            format!("{}, … {} more", shown.join(", "), ids.len() - limit)
        }
        _ => ids.join(", "),
    }
}

fn of(results: &Results, verdict: StatementVerdict) -> impl Iterator<Item = &RequirementResult> {
    results.requirements.iter().filter(move |requirement| requirement.verdict == verdict)
}
