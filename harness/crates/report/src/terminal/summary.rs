//! The closing lines: skipped sub-tests, unverified statements, counts and the verdict.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::coverage::StatementVerdict;
use crate::exit_code::Verdict;
use crate::headline;
use crate::results::{RequirementResult, Results};
use harness_model::event::SubtestVerdict;
use harness_model::plan::waiver::WaiverState;
use harness_model::text::counted;

use super::paint::Paint;
use super::wrap::wrap;

/// Prefix of the reason of a partly verified statement.
const IN_PART: &str = "partly: ";
/// Statements listed per reason.
const MAX_STATEMENTS: usize = 12;

pub(super) fn write(
    text: &mut String,
    results: &Results,
    paint: Paint,
    width: usize,
    (reports, code): (&[PathBuf], u8),
) {
    let mut writer = Writer { text, width };
    writer.text.push('\n');
    details(&mut writer, results, paint);
    verdict(text, results, paint, width, (reports, code));
}

/// Writes the counts and the verdict only.
pub(super) fn verdict(
    text: &mut String,
    results: &Results,
    paint: Paint,
    width: usize,
    (reports, code): (&[PathBuf], u8),
) {
    let mut writer = Writer { text, width };
    counts(&mut writer, results);
    let seconds = Duration::from_millis(results.duration_ms).as_secs_f64();
    let unwritten = if code == results.exit_code { "" } else { ": a report could not be written" };
    let verdict = format!("{} (exit {code}{unwritten}) after {seconds:.2} s", results.verdict.in_words());
    let painted = match results.verdict {
        Verdict::Conformant if code == 0 => paint.green(&verdict),
        _ => paint.red(&verdict),
    };
    for report in reports {
        let _ = writeln!(writer.text, "report written to {}", report.display());
    }
    let _ = writeln!(writer.text, "{} {painted}", paint.bold("verdict:"));
    let unverified = counted(headline::count(&results.totals.requirements, "unverified"), "statement");
    writer.hanging("", &format!("{}, {unverified} unverified", headline::badge(results)));
}

fn details(writer: &mut Writer<'_>, results: &Results, paint: Paint) {
    skips(writer, results);
    leftovers(writer, results);
    retries(writer, results);
    for gap in &results.gaps {
        writer.hanging("gap: ", gap);
    }
    for regression in &results.regressions {
        writer.hanging("worse: ", regression);
    }
    remarks(writer, results);
    for resemblance in &results.diagnosis {
        writer.hanging("diagnosis: ", &resemblance.to_string());
    }
    statements_by_reason(writer, results);
    claims(writer, results);
    waivers(writer, results, paint);
}

/// Lists undeclared capabilities, so that they are not mistaken for a pass.
fn claims(writer: &mut Writer<'_>, results: &Results) {
    let unclaimed = |has_subtests: bool| {
        let some = results.capabilities.not_verified.iter();
        some.filter(move |unclaimed| unclaimed.subtests.is_empty() != has_subtests)
    };
    for capability in unclaimed(true) {
        let skipped = first(&capability.subtests.iter().map(String::as_str).collect::<Vec<_>>(), 4);
        let label = "not verified (not declared): ";
        writer.hanging(label, &format!("{} ({skipped})", capability.capability));
    }
    let others: Vec<&str> = unclaimed(false).map(|unclaimed| unclaimed.capability.as_str()).collect();
    if !others.is_empty() {
        writer.hanging("not declared, not needed here: ", &others.join(", "));
    }
}

fn waivers(writer: &mut Writer<'_>, results: &Results, paint: Paint) {
    for waiver in &results.waivers {
        let state = waiver.state.in_words();
        let label = if waiver.state.is_stale() { paint.red(state) } else { state.to_owned() };
        let what = match waiver.state {
            WaiverState::Expired => "; fix what it covers, or extend it",
            WaiverState::Unneeded => "; nothing that it covers fails: remove it",
            WaiverState::Used | WaiverState::NotJudged => "",
        };
        writer.hanging("waiver ", &format!("{label}: {waiver}{what}"));
    }
}

fn skips(writer: &mut Writer<'_>, results: &Results) {
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
        writer.hanging("skipped: ", &format!("{}: {reason}", ids.join(", ")));
    }
}

fn leftovers(writer: &mut Writer<'_>, results: &Results) {
    for subtest in &results.subtests {
        for leftover in &subtest.leftovers {
            writer.hanging("not cleaned up: ", &format!("{}: {leftover}", subtest.id));
        }
    }
    for leftover in &results.leftovers {
        writer.hanging("not cleaned up: ", leftover);
    }
}

/// Reports connection failures, although no verdict depends on them.
fn retries(writer: &mut Writer<'_>, results: &Results) {
    match results.retries {
        0 => {}
        1 => writer.hanging("retries: ", "1 read was retried after a connection failure"),
        count => {
            writer.hanging("retries: ", &format!("{count} reads were retried after connection failures"))
        }
    }
}

/// Counts undocumented fields and the like, which only `--strict` fails.
fn remarks(writer: &mut Writer<'_>, results: &Results) {
    let remarks =
        results.subtests.iter().flat_map(|subtest| &subtest.checks).flat_map(|check| &check.notes).count();
    if remarks > 0 {
        writer.hanging(
            "notes: ",
            &format!("{remarks}; --strict turns them into failures, the json report lists them"),
        );
    }
}

fn statements_by_reason(writer: &mut Writer<'_>, results: &Results) {
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
            writer.hanging(label, &content);
        }
    }
}

fn counts(writer: &mut Writer<'_>, results: &Results) {
    writer.hanging("sub-tests: ", &headline::counts(results));
    writer.hanging("checks: ", &headline::checks(results));
    let statements = |verdict: &str| headline::count(&results.totals.requirements, verdict);
    writer.hanging(
        "statements: ",
        &format!(
            "{} of {} verified{}, {} violated{}, {} unverified{}",
            statements("verified"),
            statements("total"),
            in_part(results),
            statements("violated"),
            listed(results, StatementVerdict::Violated),
            statements("unverified"),
            listed(results, StatementVerdict::Unverified),
        ),
    );
}

fn in_part(results: &Results) -> String {
    let count = of(results, StatementVerdict::Verified).filter(|known| known.reason.is_some()).count();
    if count == 0 { String::new() } else { format!(" ({count} in part)") }
}

fn listed(results: &Results, verdict: StatementVerdict) -> String {
    let ids: Vec<&str> = of(results, verdict).map(|requirement| requirement.id.as_str()).collect();
    if ids.is_empty() { String::new() } else { format!(" ({})", first(&ids, 4)) }
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

struct Writer<'a> {
    text: &'a mut String,
    width: usize,
}

impl Writer<'_> {
    /// Writes a label and its text with a hanging indent.
    fn hanging(&mut self, label: &str, content: &str) {
        for (position, line) in
            wrap(&format!("{label}{content}"), self.width.saturating_sub(2)).iter().enumerate()
        {
            let indent = if position == 0 { "" } else { "  " };
            let _ = writeln!(self.text, "{indent}{line}");
        }
    }
}
