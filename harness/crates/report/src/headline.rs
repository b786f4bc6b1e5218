//! The sentence and the counts that summarise a run, the same in every report.

use std::collections::BTreeMap;

use crate::exit_code::Verdict;
use crate::results::Results;
use harness_model::event::SubtestVerdict;
use harness_model::text::{counted, plural};

/// Returns the verdict on the target as a sentence.
pub fn sentence(results: &Results) -> String {
    let target = target(results);
    let subtests = |verdict: &str| count(&results.totals.subtests, verdict);
    let statements = |verdict: &str| count(&results.totals.requirements, verdict);
    let (verified, all) = (statements("verified"), statements("total"));
    match results.verdict {
        Verdict::Conformant if subtests("waived") > 0 => format!(
            "{target} passes with {} waived: {verified} of {} {} verified, {} violated.",
            counted(subtests("waived"), "sub-test"),
            counted(all, "documented statement"),
            plural(verified, "is", "are"),
            statements("violated"),
        ),
        Verdict::Conformant if statements("unverified") == 0 => {
            format!("{target} conforms: all {} are verified.", counted(all, "documented statement"))
        }
        Verdict::Conformant => format!(
            "{target} conforms as far as it was tested: {verified} of {} {} verified.",
            counted(all, "documented statement"),
            plural(verified, "is", "are"),
        ),
        Verdict::NonConformant => format!(
            "{target} does not conform: {} of {} failed, and {} {} violated.",
            subtests("fail"),
            counted(subtests("total"), "sub-test"),
            counted(statements("violated"), "documented statement"),
            plural(statements("violated"), "is", "are"),
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
    format!(
        "{} passed, {} failed{waived}, {} skipped, {}",
        subtests("pass"),
        subtests("fail"),
        subtests("skip"),
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

/// Returns the text of the badge: failures first, then passed, waived and skipped sub-tests.
pub fn badge(results: &Results) -> String {
    let subtests = |verdict: &str| count(&results.totals.subtests, verdict);
    let parts = [
        (subtests("fail"), "failed", false),
        (subtests("error"), plural(subtests("error"), "error", "errors"), false),
        (subtests("pass"), "passed", true),
        (subtests("waived"), "waived", true),
        (subtests("skip"), "skipped", false),
    ];
    let shown = parts.iter().filter(|(count, _, always)| *always || *count > 0);
    let mut shown: Vec<String> = shown.map(|(count, word, _)| format!("{count} {word}")).collect();
    match results.verdict {
        Verdict::StaleWaiver => shown.insert(0, "stale waiver".to_owned()),
        Verdict::Worse => shown.insert(0, "regressed".to_owned()),
        _ => {}
    }
    shown.join(", ")
}

/// Returns the undocumented endpoints and fields that the target lacks, as messages name them.
pub fn absent(results: &Results) -> Vec<&'static str> {
    results.target.absent.iter().map(|absent| absent.describe()).collect()
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
