//! Merges the results of a run's shards.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use crate::exit_code::{Tally, Verdict};
use crate::results::{Results, SubtestResult, Totals, chapters, requirements};
use crate::whole::{Ended, Whole};
use harness_model::event::{Fault, RunEnd, SubtestVerdict};
use harness_model::plan::waiver::{AppliedWaiver, JudgedCheck, WaiverState, Waivers};
use harness_model::plan::{Filter, Shard, fingerprint};
use harness_model::requirement::Registry;
use harness_model::scenario::model::Scenario;

#[derive(Debug, Clone)]
pub struct Part {
    /// The file they were read from.
    pub name: String,
    pub results: Results,
}

/// The results cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("{0} is not a shard: it was created without --shard")]
    Whole(String),
    #[error("{first} and {second} come from different runs: {what} differs")]
    Unlike { first: String, second: String, what: &'static str },
    #[error("{first} and {second} are the same shard: {index}")]
    Twice { first: String, second: String, index: u32 },
    #[error("missing shards: {missing}")]
    Missing { count: u32, missing: String },
    #[error(
        "{0} was created with different scenarios\nuse the kit that created it, or pass its scenarios with --scenarios"
    )]
    Scenarios(String),
    /// The file was edited.
    #[error("invalid results {name}: {what}")]
    Damaged { name: String, what: String },
}

/// Merges the results of all shards of a run and determines the verdict of the whole.
///
/// # Errors
/// The parts are not all the shards of one run with these scenarios.
pub fn merge(
    parts: &[Part],
    scenarios: &[Arc<Scenario>],
    registry: &Registry,
) -> Result<Results, MergeError> {
    let Some(first) = parts.first() else {
        return Err(MergeError::Missing { count: 0, missing: "all".to_owned() });
    };
    alike(first, parts)?;
    if fingerprint(scenarios, registry) != first.results.selection.scenarios {
        return Err(MergeError::Scenarios(first.name.clone()));
    }
    complete(parts, scenarios)?;
    let mut subtests = joined(parts, scenarios)?;
    let today = day(parts);
    let waivers = &first.results.waivers;
    let waivers = Waivers::restore(waivers, today)
        .map_err(|what| MergeError::Damaged { name: first.name.clone(), what: what.to_string() })?;
    let by_id: BTreeMap<&str, &Arc<Scenario>> =
        scenarios.iter().map(|scenario| (scenario.id.as_str(), scenario)).collect();
    let gaps_of = |id: &str| {
        let told = |gap: &&String| gap.strip_prefix(id).is_some_and(|rest| rest.starts_with([' ', ':']));
        parts.iter().flat_map(|part| &part.results.gaps).find(told).cloned()
    };
    let ended = subtests.iter().filter_map(|subtest| {
        Some(Ended {
            scenario: by_id.get(subtest.id.as_str())?,
            verdict: Some(subtest.verdict),
            skipped: (subtest.verdict == SubtestVerdict::Skip)
                .then(|| subtest.reason.as_deref().unwrap_or_default()),
            checks: subtest
                .checks
                .iter()
                .map(|check| JudgedCheck {
                    line: at(check),
                    statements: &check.requirements,
                    verdict: check.verdict,
                })
                .collect(),
            gap: gaps_of(&subtest.id),
        })
    });
    let is_selected = |scenario: &Scenario| subtests.iter().any(|subtest| subtest.id == scenario.id);
    let elsewhere: Vec<Arc<Scenario>> = scenarios
        .iter()
        .filter(|scenario| waivers.concern(scenario) && !is_selected(scenario))
        .cloned()
        .collect();
    let target = &first.results.target;
    let whole = Whole {
        ended: ended.collect(),
        capabilities: &target.capabilities,
        is_reference: target.reference,
        is_part: false,
        waivers: &waivers,
        elsewhere: &elsewhere,
    };
    let (applied, claims, mut gaps) = (whole.waivers(), whole.claims(), whole.gaps());
    let requirements = requirements(whole.coverage(registry), &subtests, registry);
    gaps.extend(
        parts
            .iter()
            .flat_map(|part| &part.results.gaps)
            .filter(|gap| *gap == "the run did not finish")
            .cloned(),
    );
    let verdict = verdict(parts, &subtests, &gaps, &applied);
    for subtest in &mut subtests {
        subtest.checks.iter_mut().filter_map(|check| check.waiver.as_mut()).for_each(|waiver| {
            waiver.state = WaiverState::Used;
        });
    }
    let mut joined = Results {
        kit: first.results.kit.clone(),
        target: target.clone(),
        run_id: None,
        started_at: parts.iter().map(|part| part.results.started_at.clone()).min().unwrap_or_default(),
        // Shards run concurrently: the longest determines the duration.
        duration_ms: parts.iter().map(|part| part.results.duration_ms).max().unwrap_or_default(),
        verdict,
        exit_code: verdict.exit_code(),
        totals: Totals::of(&subtests, &requirements),
        chapters: chapters(&subtests, &requirements, registry),
        subtests,
        requirements,
        capabilities: claims,
        waivers: applied,
        selection: crate::results::Selected { shard: None, ..first.results.selection.clone() },
        gaps,
        regressions: Vec::new(),
        leftovers: parts.iter().flat_map(|part| part.results.leftovers.clone()).collect(),
        retries: parts.iter().map(|part| part.results.retries).sum(),
        diagnosis: Vec::new(),
    };
    joined.worsen(parts.iter().flat_map(|part| part.results.regressions.clone()));
    Ok(joined)
}

fn alike(first: &Part, parts: &[Part]) -> Result<(), MergeError> {
    let shard = |part: &Part| part.results.selection.shard;
    let covered = |part: &Part| -> Vec<AppliedWaiver> {
        let plain =
            |waiver: &AppliedWaiver| AppliedWaiver { state: WaiverState::NotJudged, ..waiver.clone() };
        part.results.waivers.iter().map(plain).collect()
    };
    for part in parts {
        if shard(part).is_none() {
            return Err(MergeError::Whole(part.name.clone()));
        }
        let (a, b) = (&first.results, &part.results);
        // Each shard may have started its own target, so the address may differ.
        let target = |results: &Results| {
            let mut target = results.target.clone();
            target.base_url = None;
            target
        };
        let chosen = |results: &Results| {
            let selected = &results.selection;
            (selected.suites.clone(), selected.filter.clone(), selected.rerun, selected.repeat)
        };
        let differences = [
            ("the kit's version", (&a.kit.name, &a.kit.version) != (&b.kit.name, &b.kit.version)),
            ("the target", target(a) != target(b)),
            ("the scenarios", a.selection.scenarios != b.selection.scenarios),
            ("the selection", chosen(a) != chosen(b)),
            ("the number of shards", shard(first).map(|one| one.count) != shard(part).map(|one| one.count)),
            ("the waivers", covered(first) != covered(part)),
        ];
        if let Some((what, _)) = differences.into_iter().find(|(_, differ)| *differ) {
            return Err(MergeError::Unlike { first: first.name.clone(), second: part.name.clone(), what });
        }
    }
    Ok(())
}

/// Checks that every shard occurs once. A shard without sub-tests writes no results and may be absent.
fn complete(parts: &[Part], scenarios: &[Arc<Scenario>]) -> Result<(), MergeError> {
    let mut seen: BTreeMap<u32, &Part> = BTreeMap::new();
    let mut selected: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    for part in parts {
        let Some(shard) = part.results.selection.shard else { continue };
        if let Some(other) = seen.insert(shard.index.get(), part) {
            let (first, second) = (other.name.clone(), part.name.clone());
            return Err(MergeError::Twice { first, second, index: shard.index.get() });
        }
        let selection = &part.results.selection;
        let filter = selection.filter.as_deref().and_then(|filter| Filter::parse(filter).ok());
        let is_selected = |scenario: &&Arc<Scenario>| {
            (selection.suites.is_empty() || selection.suites.contains(&scenario.suite))
                && filter.as_ref().is_none_or(|filter| filter.selects(scenario))
        };
        selected = scenarios.iter().filter(is_selected).map(|scenario| scenario.id.as_str()).collect();
    }
    let Some(count) = parts.first().and_then(|part| part.results.selection.shard).map(|shard| shard.count)
    else {
        return Ok(());
    };
    let is_missing = |index: &NonZeroU32| {
        let shard = Shard { index: *index, count };
        !seen.contains_key(&index.get()) && selected.iter().any(|id| shard.holds(id))
    };
    let missing: Vec<String> = (1..=count.get())
        .filter_map(NonZeroU32::new)
        .filter(is_missing)
        .map(|index| format!("{index}/{count}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(MergeError::Missing { count: count.get(), missing: missing.join(", ") })
}

/// Returns all sub-tests in the library's order.
fn joined(parts: &[Part], scenarios: &[Arc<Scenario>]) -> Result<Vec<SubtestResult>, MergeError> {
    let mut found: BTreeMap<&str, &SubtestResult> = BTreeMap::new();
    for part in parts {
        for subtest in &part.results.subtests {
            let damaged = |what: String| MergeError::Damaged { name: part.name.clone(), what };
            let belongs = part.results.selection.shard.is_some_and(|shard| shard.holds(&subtest.id));
            if !belongs {
                return Err(damaged(format!("{} belongs to another shard", subtest.id)));
            }
            if found.insert(&subtest.id, subtest).is_some() {
                return Err(damaged(format!("{} occurs twice", subtest.id)));
            }
        }
    }
    let subtests = scenarios.iter().filter_map(|scenario| found.get(scenario.id.as_str()));
    Ok(subtests.map(|subtest| (*subtest).clone()).collect())
}

fn verdict(
    parts: &[Part],
    subtests: &[SubtestResult],
    gaps: &[String],
    waivers: &[AppliedWaiver],
) -> Verdict {
    let erring = |fault| {
        let blamed = |subtest: &&SubtestResult| {
            subtest.verdict == SubtestVerdict::Error && subtest.fault == Some(fault)
        };
        subtests.iter().filter(blamed).count()
    };
    let end = if parts.iter().any(|part| part.results.verdict == Verdict::Interrupted) {
        RunEnd::Interrupted
    } else if erring(Fault::Interruption) > 0 {
        RunEnd::Cancelled
    } else {
        RunEnd::Complete
    };
    let tally = Tally {
        failed: subtests.iter().filter(|subtest| subtest.verdict == SubtestVerdict::Fail).count(),
        environment: erring(Fault::Environment),
        kit: erring(Fault::Kit),
        gaps: gaps.len(),
        stale: waivers.iter().filter(|waiver| waiver.state.is_stale()).count(),
        end,
    };
    tally.verdict()
}

/// Returns the line of a check from its `FILE:LINE`.
fn at(check: &crate::results::CheckResult) -> usize {
    check.location.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or_default()
}

/// Returns the day on which the last shard ran.
fn day(parts: &[Part]) -> Date {
    let started =
        parts.iter().filter_map(|part| OffsetDateTime::parse(&part.results.started_at, &Rfc3339).ok());
    started.map(OffsetDateTime::date).max().unwrap_or(Date::MIN)
}
