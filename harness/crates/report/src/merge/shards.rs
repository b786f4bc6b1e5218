//! Verifies that results are all the shards of one run.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use harness_model::event::TargetDescription;
use harness_model::plan::waiver::{AppliedWaiver, WaiverState};
use harness_model::plan::{Filter, Shard, fingerprint};
use harness_model::requirement::Registry;
use harness_model::scenario::model::Scenario;

use crate::results::{Results, Selected, SubtestResult};

use super::shard_results::{MergeError, RunDifference, ShardResults};

/// Checks that all are shards of one run with these scenarios; returns the first.
pub(super) fn verify_same_run<'a>(
    shards: &'a [ShardResults],
    scenarios: &[Arc<Scenario>],
    registry: &Registry,
) -> Result<&'a ShardResults, MergeError> {
    let first = shards.first().ok_or(MergeError::Nothing)?;
    for shard in shards {
        if shard.results.selection.shard.is_none() {
            return Err(MergeError::NotAShard { file: shard.file.clone() });
        }
        if let Some(difference) = difference(&first.results, &shard.results) {
            let (first, second) = (first.file.clone(), shard.file.clone());
            return Err(MergeError::DifferentRuns { first, second, difference });
        }
    }
    if fingerprint(scenarios, registry) != first.results.selection.scenarios {
        return Err(MergeError::OtherScenarios { file: first.file.clone() });
    }
    Ok(first)
}

/// Checks that every shard occurs once. A shard without sub-tests writes no results and may be absent.
pub(super) fn verify_complete(
    shards: &[ShardResults],
    scenarios: &[Arc<Scenario>],
) -> Result<(), MergeError> {
    let mut seen: BTreeMap<NonZeroU32, &ShardResults> = BTreeMap::new();
    for results in shards {
        let Some(shard) = results.results.selection.shard else { continue };
        if let Some(other) = seen.insert(shard.index, results) {
            let (first, second) = (other.file.clone(), results.file.clone());
            return Err(MergeError::SameShard { first, second, shard });
        }
    }
    let selection = shards.first().map(|first| &first.results.selection);
    let Some((selection, shard)) = selection.and_then(|selection| Some((selection, selection.shard?))) else {
        return Ok(());
    };
    let selected = selected(selection, scenarios);
    let all = (1..=shard.count.get()).filter_map(NonZeroU32::new);
    let absent = all.filter(|index| !seen.contains_key(index)).map(|index| Shard { index, ..shard });
    let missing: Vec<Shard> = absent.filter(|shard| selected.iter().any(|id| shard.holds(id))).collect();
    if missing.is_empty() { Ok(()) } else { Err(MergeError::MissingShards(missing)) }
}

/// Returns the sub-tests of all shards in the library's order.
pub(super) fn collect_subtests(
    shards: &[ShardResults],
    scenarios: &[Arc<Scenario>],
) -> Result<Vec<SubtestResult>, MergeError> {
    let mut found: BTreeMap<&str, &SubtestResult> = BTreeMap::new();
    for ShardResults { file, results } in shards {
        for subtest in &results.subtests {
            let (file, id) = (|| file.clone(), || subtest.id.clone());
            if !results.selection.shard.is_some_and(|shard| shard.holds(&subtest.id)) {
                return Err(MergeError::ForeignSubtest { file: file(), subtest: id() });
            }
            if found.insert(&subtest.id, subtest).is_some() {
                return Err(MergeError::RepeatedSubtest { file: file(), subtest: id() });
            }
        }
    }
    let subtests = scenarios.iter().filter_map(|scenario| found.get(scenario.id.as_str()));
    Ok(subtests.map(|subtest| (*subtest).clone()).collect())
}

fn difference(one: &Results, other: &Results) -> Option<RunDifference> {
    let kit = |results: &Results| (results.kit.name.clone(), results.kit.version.clone());
    // Each shard may have started its own target, so the address may differ.
    let target = |results: &Results| TargetDescription { base_url: None, ..results.target.clone() };
    let shard_count = |results: &Results| results.selection.shard.map(|shard| shard.count);
    if kit(one) != kit(other) {
        Some(RunDifference::Kit)
    } else if target(one) != target(other) {
        Some(RunDifference::Target)
    } else if one.selection.scenarios != other.selection.scenarios {
        Some(RunDifference::Scenarios)
    } else if unsharded(&one.selection) != unsharded(&other.selection) {
        Some(RunDifference::Selection)
    } else if shard_count(one) != shard_count(other) {
        Some(RunDifference::ShardCount)
    } else if unjudged(&one.waivers) != unjudged(&other.waivers) {
        Some(RunDifference::Waivers)
    } else {
        None
    }
}

/// Returns the selection without what may differ between shards.
fn unsharded(selection: &Selected) -> Selected {
    Selected { shard: None, shuffle: None, ..selection.clone() }
}

/// Returns the waivers without their state, which may differ between shards.
fn unjudged(waivers: &[AppliedWaiver]) -> Vec<AppliedWaiver> {
    waivers.iter().map(|waiver| AppliedWaiver { state: WaiverState::NotJudged, ..waiver.clone() }).collect()
}

fn selected<'a>(selection: &Selected, scenarios: &'a [Arc<Scenario>]) -> BTreeSet<&'a str> {
    let filter = selection.filter.as_deref().and_then(|filter| Filter::parse(filter).ok());
    let is_selected = |scenario: &&Arc<Scenario>| {
        (selection.suites.is_empty() || selection.suites.contains(&scenario.suite))
            && filter.as_ref().is_none_or(|filter| filter.selects(scenario))
    };
    scenarios.iter().filter(is_selected).map(|scenario| scenario.id.as_str()).collect()
}
