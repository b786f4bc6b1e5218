//! The sentence, the counts and the verdict that summarise a run, the same in every report.

use std::collections::BTreeMap;

use crate::exit_code::Verdict;
use crate::extent::Extent;
use crate::results::{Results, Totals};
use harness_model::event::SubtestVerdict;
use harness_model::text::{counted, plural};

/// Returns the verdict on the target as a sentence.
pub fn sentence(results: &Results) -> String {
    let target = target(results);
    let subtests = |verdict: &str| count(&results.totals.subtests, verdict);
    let violated = count(&results.totals.requirements, "violated");
    match results.verdict {
        Verdict::Conformant => format!("{target} conforms: every documented statement is verified."),
        Verdict::Passed => format!("{target} {}.", passed("passes", &results.extent)),
        Verdict::NonConformant => format!(
            "{target} does not conform: {} of {} failed, and {} {} violated.",
            subtests("fail"),
            counted(subtests("total"), "sub-test"),
            counted(violated, "documented statement"),
            plural(violated, "is", "are"),
        ),
        Verdict::StaleWaiver => format!("{target} does not pass: {}.", stale(results).join(", ")),
        Verdict::Worse => format!(
            "{target} does not pass, although every check passed: {}.",
            match results.regressions.as_slice() {
                [only] => only.clone(),
                all => format!("{} regressions or order-dependent results", all.len()),
            }
        ),
        Verdict::EnvironmentError => format!(
            "No verdict on {target}: the target or its environment failed in {}.",
            counted(subtests("error"), "sub-test")
        ),
        Verdict::Incomplete => format!("No verdict on {target}: the run is incomplete."),
        Verdict::KitError => format!("No verdict on {target}: internal error of the kit."),
        Verdict::Interrupted => format!("No verdict on {target}: the run was interrupted."),
    }
}

/// Returns the verdict in a few words. A run that left something out or waived failures says so.
pub fn verdict(results: &Results) -> String {
    match results.verdict {
        Verdict::Passed => passed("passed", &results.extent),
        verdict => verdict.in_words().to_owned(),
    }
}

fn passed(verb: &str, extent: &Extent) -> String {
    let waivers = match extent.waivers {
        0 => String::new(),
        waivers => format!(" with {}", counted(waivers, "waiver")),
    };
    let deviating = if extent.deviating { " despite its deviation" } else { "" };
    let judged = format!("{} of {} judged", extent.judged, counted(extent.of, "statement"));
    let in_part = match extent.in_part {
        0 => String::new(),
        in_part => format!(", {in_part} in part"),
    };
    let is_everything = extent.judged == extent.of && extent.in_part == 0;
    let judged = match (extent.selection, is_everything) {
        (true, _) => format!(" (selection: {judged}{in_part})"),
        (false, false) => format!(" ({judged}{in_part})"),
        (false, true) => String::new(),
    };
    format!("{verb}{waivers}{deviating}{judged}")
}

/// Returns the counts of the documented statements and, apart from them, of the reference's own choices. Every report
/// uses this sentence.
pub fn statements(totals: &Totals) -> String {
    let documented = |verdict: &str| count(&totals.requirements, verdict);
    let rare = [("violated", "violated"), ("unverified", "not verified")];
    let rare = rare.iter().filter(|(verdict, _)| documented(verdict) > 0);
    let rare = rare.map(|(verdict, words)| format!(", {} {words}", documented(verdict)));
    format!(
        "{} of {} verified{}{}",
        documented("verified"),
        counted(documented("total"), "documented statement"),
        rare.collect::<String>(),
        choices(totals)
    )
}

fn choices(totals: &Totals) -> String {
    let (hold, all) = (count(&totals.choices, "verified"), count(&totals.choices, "total"));
    match (hold, all) {
        (_, 0) => String::new(),
        (1, 1) => "; 1 choice of the reference holds".to_owned(),
        _ if hold == all => format!("; {all} choices of the reference hold"),
        _ => format!(
            "; {hold} of {} of the reference {}",
            counted(all, "choice"),
            plural(hold, "holds", "hold")
        ),
    }
}

/// Returns what keeps the run from passing besides its sub-tests: gaps, stale waivers and regressions.
pub fn troubles(results: &Results) -> Vec<String> {
    let stale = stale(results).into_iter().map(|stale| format!("stale waiver: {stale}"));
    results
        .gaps
        .iter()
        .map(ToString::to_string)
        .chain(stale)
        .chain(results.regressions.iter().cloned())
        .collect()
}

fn stale(results: &Results) -> Vec<String> {
    let stale = results.waivers.iter().filter(|waiver| waiver.state.is_stale());
    stale.map(|waiver| format!("the waiver of {} is {}", waiver.covers(), waiver.state.in_words())).collect()
}

/// Returns the target's name and version.
pub fn target(results: &Results) -> String {
    match &results.target.version {
        Some(version) => format!("{} {version}", results.target.name),
        None => results.target.name.clone(),
    }
}

/// Returns the numbers of sub-tests by verdict; waived ones only if there are any.
pub fn counts(results: &Results) -> String {
    let subtests = |verdict: &str| count(&results.totals.subtests, verdict);
    let waived = match subtests("waived") {
        0 => String::new(),
        waived => format!(", {waived} waived"),
    };
    let not_run = match not_run(results) {
        0 => String::new(),
        not_run => format!(", {not_run} not run"),
    };
    format!(
        "{} passed, {} failed{waived}{not_run}, {} skipped, {}",
        subtests("pass"),
        subtests("fail"),
        skipped(results),
        counted(subtests("error"), "error")
    )
}

/// Returns the numbers of checks by verdict; rare verdicts only if they occur.
pub fn checks(results: &Results) -> String {
    let checks = |verdict: &str| count(&results.totals.checks, verdict);
    let rare = [("waived", "waived"), ("error", "not evaluated"), ("skip", "not applicable to this target")];
    let rare = rare.iter().filter(|(verdict, _)| checks(verdict) > 0);
    let rare = rare.map(|(verdict, words)| format!(", {} {words}", checks(verdict)));
    format!("{} passed, {} failed{}", checks("pass"), checks("fail"), rare.collect::<String>())
}

/// Returns the text of the badge: the verdict, or what kept the run from passing, and the sub-tests that no check of
/// which ran.
pub fn badge(results: &Results) -> String {
    let subtests = |verdict: &str| count(&results.totals.subtests, verdict);
    let parts = [
        (subtests("fail"), "failed"),
        (subtests("error"), plural(subtests("error"), "error", "errors")),
        (if results.verdict.is_pass() { 0 } else { subtests("pass") }, "passed"),
        (if results.extent.waivers > 0 { 0 } else { subtests("waived") }, "waived"),
        (not_run(results), "not run"),
        (skipped(results), "skipped"),
    ];
    let shown = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let first = match results.verdict {
        Verdict::Conformant | Verdict::Passed | Verdict::NonConformant => Some(verdict(results)),
        Verdict::StaleWaiver => Some("stale waiver".to_owned()),
        Verdict::Worse => Some("regressed".to_owned()),
        _ => Some("no verdict".to_owned()),
    };
    first.into_iter().chain(shown).collect::<Vec<_>>().join(", ")
}

/// Returns the undocumented endpoints and fields that the target lacks, as messages name them.
pub fn absent(results: &Results) -> Vec<&'static str> {
    results.target.absent.iter().map(|absent| absent.describe()).collect()
}

fn not_run(results: &Results) -> usize {
    results.subtests.iter().filter(|subtest| subtest.is_not_run()).count()
}

fn skipped(results: &Results) -> usize {
    count(&results.totals.subtests, "skip").saturating_sub(not_run(results))
}

/// Returns the count for a verdict, zero if it is absent.
pub fn count(counts: &BTreeMap<String, usize>, verdict: &str) -> usize {
    counts.get(verdict).copied().unwrap_or_default()
}

/// Groups the skipped sub-tests by reason, in order of appearance, each id once.
pub fn skips(results: &Results) -> Vec<(&str, Vec<&str>)> {
    let mut order: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for subtest in results.subtests.iter().filter(|subtest| subtest.verdict == SubtestVerdict::Skip) {
        let reason = subtest.reason.as_deref().unwrap_or_default();
        let position = *known.entry(reason).or_insert_with(|| {
            order.push((reason, Vec::new()));
            order.len() - 1
        });
        if let Some((_, ids)) = order.get_mut(position)
            && ids.last() != Some(&subtest.id.as_str())
        {
            ids.push(&subtest.id);
        }
    }
    order
}

/// Returns everything that was not cleaned up on the target, with the sub-test that left it, if any.
pub fn leftovers(results: &Results) -> Vec<(Option<&str>, &str)> {
    let of_subtests = results.subtests.iter().flat_map(|subtest| {
        subtest.leftovers.iter().map(|leftover| (Some(subtest.id.as_str()), leftover.as_str()))
    });
    of_subtests.chain(results.leftovers.iter().map(|leftover| (None, leftover.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_statements_and_choices_are_counted_apart() {
        let counts = |verified, violated, unverified| {
            let of = [("verified", verified), ("violated", violated), ("unverified", unverified)];
            let all = ("total", verified + violated + unverified);
            of.into_iter().chain([all]).map(|(name, count)| (name.to_owned(), count)).collect()
        };
        let totals = |requirements, choices| Totals { requirements, choices, ..Totals::default() };
        for (totals, sentence) in [
            (
                totals(counts(97, 0, 25), counts(41, 0, 0)),
                "97 of 122 documented statements verified, 25 not verified; 41 choices of the reference hold",
            ),
            (totals(counts(5, 0, 0), counts(0, 0, 0)), "5 of 5 documented statements verified"),
            (
                totals(counts(0, 1, 0), counts(1, 0, 0)),
                "0 of 1 documented statement verified, 1 violated; 1 choice of the reference holds",
            ),
            (
                totals(counts(3, 1, 1), counts(1, 1, 0)),
                "3 of 5 documented statements verified, 1 violated, 1 not verified; 1 of 2 choices of the reference holds",
            ),
        ] {
            assert_eq!(statements(&totals), sentence);
        }
    }

    #[test]
    fn a_pass_says_what_was_left_out() {
        let whole = Extent { judged: 122, of: 122, ..Extent::default() };
        for (extent, words) in [
            (
                Extent { selection: true, judged: 3, ..whole.clone() },
                "passed (selection: 3 of 122 statements judged)",
            ),
            (Extent { judged: 97, ..whole.clone() }, "passed (97 of 122 statements judged)"),
            (Extent { in_part: 4, ..whole.clone() }, "passed (122 of 122 statements judged, 4 in part)"),
            (Extent { waivers: 2, ..whole.clone() }, "passed with 2 waivers"),
            (
                Extent { waivers: 1, selection: true, judged: 9, ..whole.clone() },
                "passed with 1 waiver (selection: 9 of 122 statements judged)",
            ),
            (Extent { deviating: true, ..whole }, "passed despite its deviation"),
        ] {
            assert_eq!(passed("passed", &extent), words);
        }
    }
}
