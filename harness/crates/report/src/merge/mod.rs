//! Merges the results of a run's shards.

mod shard_results;
mod shards;

use std::collections::BTreeMap;
use std::sync::Arc;

use harness_model::event::{Fault, RunEnd, SubtestVerdict};
use harness_model::plan::waiver::{AppliedWaiver, JudgedCheck, WaiverState, Waivers};
use harness_model::requirement::Registry;
use harness_model::scenario::model::Scenario;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use crate::exit_code::{Tally, Verdict};
use crate::extent::Extent;
use crate::gap::{Gap, GapKind};
use crate::level::levels;
use crate::results::{Results, Selected, SubtestResult, Totals, chapters, requirements, used};
use crate::summary::{RunSummary, SubtestSummary};

pub use shard_results::{MergeError, RunDifference, ShardResults};

/// Merges the results of all shards of a run and determines the verdict of the whole.
///
/// # Errors
/// The parts are not all the shards of one run with these scenarios.
pub fn merge(
    shards: &[ShardResults],
    scenarios: &[Arc<Scenario>],
    registry: &Registry,
) -> Result<Results, MergeError> {
    let first = shards::verify_same_run(shards, scenarios, registry)?;
    shards::verify_complete(shards, scenarios)?;
    let mut subtests = shards::collect_subtests(shards, scenarios)?;
    let waivers = Waivers::restore(&first.results.waivers, last_day(shards))
        .map_err(|cause| MergeError::InvalidWaiver { file: first.file.clone(), cause })?;
    let unselected = unselected(&waivers, &subtests, scenarios);
    let target = &first.results.target;
    let selection = Selected { shard: None, ..first.results.selection.clone() };
    let summary = RunSummary {
        subtests: summaries(shards, &subtests, scenarios),
        capabilities: &target.capabilities,
        is_reference: target.reference,
        scope: selection.scope(),
        is_shard: false,
        waivers: &waivers,
        unselected: &unselected,
    };
    let (applied, claims, mut gaps) = (summary.waivers(), summary.claims(), summary.gaps());
    let unfinished = Gap::of_run(GapKind::Unfinished);
    gaps.extend(all_gaps(shards).filter(|gap| **gap == unfinished).cloned());
    let coverage = summary.coverage(registry);
    let extent = Extent::of(&coverage, summary.scope, used(&applied), target.deviating.is_some());
    let verdict = tally(shards, &subtests, &gaps, &applied).verdict().within(&extent);
    let levels = levels(&summary, registry, !extent.selection && !extent.deviating);
    let requirements = requirements(coverage, &subtests, registry);
    mark_waivers_used(&mut subtests);
    let mut merged = Results {
        kit: first.results.kit.clone(),
        target: target.clone(),
        run_id: None,
        started_at: shards.iter().map(|shard| shard.results.started_at.clone()).min().unwrap_or_default(),
        // Shards run concurrently: the longest determines the duration.
        duration_ms: shards.iter().map(|shard| shard.results.duration_ms).max().unwrap_or_default(),
        verdict,
        exit_code: verdict.exit_code().into(),
        extent,
        totals: Totals::of(&subtests, &requirements),
        chapters: chapters(&subtests, &requirements, registry),
        subtests,
        requirements,
        capabilities: claims,
        levels,
        waivers: applied,
        selection,
        gaps,
        regressions: Vec::new(),
        leftovers: shards.iter().flat_map(|shard| shard.results.leftovers.clone()).collect(),
        retries: shards.iter().map(|shard| shard.results.retries).sum(),
        diagnosis: Vec::new(),
    };
    merged.worsen(shards.iter().flat_map(|shard| shard.results.regressions.clone()));
    Ok(merged)
}

fn summaries<'a>(
    shards: &[ShardResults],
    subtests: &'a [SubtestResult],
    scenarios: &'a [Arc<Scenario>],
) -> Vec<SubtestSummary<'a>> {
    let by_id: BTreeMap<&str, &Arc<Scenario>> =
        scenarios.iter().map(|scenario| (scenario.id.as_str(), scenario)).collect();
    let summary = |subtest: &'a SubtestResult| {
        let is_not_run = subtest.is_not_run();
        let is_skipped = subtest.verdict == SubtestVerdict::Skip && !is_not_run;
        let reason = || subtest.reason.as_deref().unwrap_or_default();
        let checks = subtest.checks.iter().map(|check| JudgedCheck {
            line: check.location.line,
            statements: &check.requirements,
            verdict: check.verdict,
            message: &check.message,
            unevaluated: check.unevaluated.as_ref(),
        });
        Some(SubtestSummary {
            scenario: by_id.get(subtest.id.as_str())?,
            verdict: Some(subtest.verdict),
            skip_reason: is_skipped.then(reason),
            not_run: is_not_run.then(reason),
            checks: checks.collect(),
            gap: all_gaps(shards).find(|gap| gap.subtest.as_ref() == Some(&subtest.id)).cloned(),
        })
    };
    subtests.iter().filter_map(summary).collect()
}

fn all_gaps(shards: &[ShardResults]) -> impl Iterator<Item = &Gap> {
    shards.iter().flat_map(|shard| &shard.results.gaps)
}

/// Returns the unselected sub-tests that waivers cover.
fn unselected(
    waivers: &Waivers,
    subtests: &[SubtestResult],
    scenarios: &[Arc<Scenario>],
) -> Vec<Arc<Scenario>> {
    let is_selected = |scenario: &Scenario| subtests.iter().any(|subtest| subtest.id == scenario.id);
    let unselected = scenarios.iter().filter(|scenario| waivers.concern(scenario) && !is_selected(scenario));
    unselected.cloned().collect()
}

fn tally(
    shards: &[ShardResults],
    subtests: &[SubtestResult],
    gaps: &[Gap],
    waivers: &[AppliedWaiver],
) -> Tally {
    let failed = subtests.iter().filter(|subtest| subtest.verdict == SubtestVerdict::Fail);
    let errors = |fault| {
        let errors = subtests.iter().filter(|subtest| subtest.verdict == SubtestVerdict::Error);
        errors.filter(|subtest| subtest.fault == Some(fault)).count()
    };
    let end = if shards.iter().any(|shard| shard.results.verdict == Verdict::Interrupted) {
        RunEnd::Interrupted
    } else if errors(Fault::Interruption) > 0 {
        RunEnd::Cancelled
    } else {
        RunEnd::Complete
    };
    Tally {
        failed: failed.count(),
        environment: errors(Fault::Environment),
        kit: errors(Fault::Kit),
        gaps: gaps.len(),
        stale: waivers.iter().filter(|waiver| waiver.state.is_stale()).count(),
        end,
    }
}

fn mark_waivers_used(subtests: &mut [SubtestResult]) {
    let checks = subtests.iter_mut().flat_map(|subtest| &mut subtest.checks);
    checks.filter_map(|check| check.waiver.as_mut()).for_each(|waiver| waiver.state = WaiverState::Used);
}

/// Returns the day on which the last shard ran.
fn last_day(shards: &[ShardResults]) -> Date {
    let started =
        shards.iter().filter_map(|shard| OffsetDateTime::parse(&shard.results.started_at, &Rfc3339).ok());
    started.map(OffsetDateTime::date).max().unwrap_or(Date::MIN)
}
