//! What is listed between the failures and the closing lines: leftovers and, with `-v`, everything by id.

use std::collections::BTreeMap;

use crate::coverage::StatementVerdict;
use crate::headline;
use crate::results::{RequirementResult, Results};
use crate::unjudged::unjudged;

use super::page::Page;

/// Leftovers listed without `-v`.
const MAX_LEFTOVERS: usize = 20;

/// Lists what was not cleaned up on the target: somebody must remove it.
pub(super) fn write_leftovers(page: &mut Page, results: &Results, is_verbose: bool) {
    let leftovers = headline::leftovers(results);
    if leftovers.is_empty() {
        return;
    }
    page.line("");
    let limit = if is_verbose { leftovers.len() } else { MAX_LEFTOVERS };
    for (subtest, leftover) in leftovers.iter().take(limit) {
        let place = subtest.map(|id| format!("{id}: ")).unwrap_or_default();
        page.hanging("not cleaned up: ", &format!("{place}{leftover}"));
    }
    if let Some(more @ 1..) = leftovers.len().checked_sub(limit) {
        page.hanging("not cleaned up: ", &format!("… and {more} more; -v lists them"));
    }
}

pub(super) fn write_lists(page: &mut Page, results: &Results) {
    page.line("");
    for group in unjudged(results) {
        page.hanging("not judged: ", &format!("{}: {}", group.counts(), group.reason));
        let lists = [
            ("  sub-tests: ", &group.subtests),
            ("  statements: ", &group.statements),
            ("  in part: ", &group.in_part),
        ];
        for (label, ids) in lists.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            page.hanging(label, &ids.join(", "));
        }
    }
    let violated: Vec<&str> =
        of(results, StatementVerdict::Violated).map(|found| found.id.as_str()).collect();
    if !violated.is_empty() {
        page.hanging("violated: ", &violated.join(", "));
    }
    for trouble in headline::troubles(results) {
        page.hanging("not passed: ", &trouble);
    }
    for waiver in &results.waivers {
        page.hanging("waiver ", &format!("{}: {waiver}", waiver.state.in_words()));
    }
    claims(page, results);
    notes(page, results);
    page.hanging("checks: ", &headline::checks(results));
}

/// Lists undeclared capabilities, so that they are not mistaken for a pass.
fn claims(page: &mut Page, results: &Results) {
    let unclaimed = |has_subtests: bool| {
        let some = results.capabilities.not_verified.iter();
        some.filter(move |unclaimed| unclaimed.subtests.is_empty() != has_subtests)
    };
    for capability in unclaimed(true) {
        let skipped = capability.subtests.join(", ");
        page.hanging("not declared: ", &format!("{} ({skipped})", capability.capability));
    }
    let others: Vec<&str> = unclaimed(false).map(|unclaimed| unclaimed.capability.as_str()).collect();
    if !others.is_empty() {
        page.hanging("not declared, not needed here: ", &others.join(", "));
    }
}

/// Lists undocumented fields and the like, which only `--strict` fails.
fn notes(page: &mut Page, results: &Results) {
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for subtest in &results.subtests {
        for note in subtest.checks.iter().flat_map(|check| &check.notes) {
            let ids = notes.entry(note).or_default();
            if ids.last() != Some(&subtest.id.as_str()) {
                ids.push(&subtest.id);
            }
        }
    }
    for (note, ids) in notes {
        page.hanging("note: ", &format!("{note} ({})", ids.join(", ")));
    }
}

fn of(results: &Results, verdict: StatementVerdict) -> impl Iterator<Item = &RequirementResult> {
    results.requirements.iter().filter(move |requirement| requirement.verdict == verdict)
}
