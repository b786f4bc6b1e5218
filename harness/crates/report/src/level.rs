//! The levels that a vendor can claim, computed from what a run of all sub-tests judged. `harness/docs/levels.md` defines
//! them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;
use harness_model::requirement::Registry;
use harness_model::scenario::model::{Capability, Scenario, StatementId};
use harness_model::text::{counted, plural};

use crate::summary::{RunSummary, SubtestSummary};

/// The levels, with the capability whose sub-tests belong to each. `core` has those that need none of these.
const LEVELS: [(&str, Option<Capability>); 7] = [
    ("core", None),
    ("agent", Some(Capability::Agent)),
    ("clock", Some(Capability::Clock)),
    ("wire", Some(Capability::Wire)),
    ("dashboard", Some(Capability::Dashboard)),
    ("rollout", Some(Capability::Installer)),
    ("terraform", Some(Capability::Terraform)),
];

/// Capabilities that no document asks for: what needs one that is not declared belongs to no level.
const OPTIONAL: [Capability; 12] = [
    Capability::Heartbeat,
    Capability::Addresses,
    Capability::Tun,
    Capability::HostName,
    Capability::ClaimTags,
    Capability::AccessRules,
    Capability::Fresh,
    Capability::Quota,
    Capability::Ansible,
    Capability::Actions,
    Capability::CloudInit,
    Capability::Docker,
];

/// The reason where not every sub-test was selected.
const PART: &str = "only a part was judged";

/// Whether the target may claim a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LevelResult {
    /// Its name: core, agent, clock, wire, dashboard, rollout or terraform.
    pub level: String,
    pub state: LevelState,
    /// How many documented statements belong to it on this target.
    pub statements: usize,
    /// How many of these are verified.
    pub verified: usize,
    /// Why it cannot be claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether the target may claim a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LevelState {
    /// Every statement of the level is verified.
    Claimed,
    /// A statement of the level is violated, waived or not.
    Violated,
    /// A statement of the level was left out or could not be judged.
    Incomplete,
    /// The target does not declare the capability of the level.
    NotDeclared,
    /// Only a part of the sub-tests was selected, or the kit cannot judge the level.
    NotJudged,
}

/// Determines the levels that a target may claim. `is_whole` tells whether all sub-tests were selected and the target has
/// no deliberate deviation.
pub fn levels(summary: &RunSummary<'_>, registry: &Registry, is_whole: bool) -> Vec<LevelResult> {
    LEVELS.iter().map(|(name, capability)| result(summary, registry, is_whole, name, *capability)).collect()
}

/// Returns the levels and what keeps the others from being claimed as a sentence; `None` if a part was judged only.
pub fn sentence(levels: &[LevelResult]) -> Option<String> {
    let claimed = claimed(levels);
    let first = if claimed.is_empty() {
        "none claimed".to_owned()
    } else {
        format!("{} claimed", claimed.join(", "))
    };
    let mut others: Vec<(&str, Vec<&str>)> = Vec::new();
    for level in levels.iter().filter(|level| level.state != LevelState::Claimed) {
        let reason = level.reason.as_deref().unwrap_or_default();
        match others.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(&level.level),
            None => others.push((reason, vec![&level.level])),
        }
    }
    let is_part = levels.iter().all(|level| level.reason.as_deref() == Some(PART));
    let others = others.iter().map(|(reason, names)| format!("; {}: {reason}", names.join(", ")));
    (!is_part).then(|| format!("{first}{}", others.collect::<String>()))
}

/// Returns the names of the levels that the target may claim.
pub fn claimed(levels: &[LevelResult]) -> Vec<&str> {
    levels
        .iter()
        .filter(|level| level.state == LevelState::Claimed)
        .map(|level| level.level.as_str())
        .collect()
}

fn result(
    summary: &RunSummary<'_>,
    registry: &Registry,
    is_whole: bool,
    name: &str,
    capability: Option<Capability>,
) -> LevelResult {
    let of = |state, reason: &str| LevelResult {
        level: name.to_owned(),
        state,
        statements: 0,
        verified: 0,
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
    };
    if !is_whole {
        return of(LevelState::NotJudged, PART);
    }
    if capability.is_some_and(|needed| !summary.capabilities.contains(&needed)) {
        return of(LevelState::NotDeclared, "not declared");
    }
    let belonging = |subtest: &&SubtestSummary<'_>| belongs(subtest.scenario, capability);
    let countable = |scenario: &Scenario| {
        let is_missing = |need: &Capability| !summary.capabilities.contains(need);
        // What is waited for on request belongs to targets with a clock.
        let clock = scenario.waits_long().then_some(Capability::Clock);
        let mut missing = scenario.needs.iter().copied().chain(clock).filter(is_missing);
        !missing.any(|need| OPTIONAL.contains(&need) || is_level(need))
    };
    let (known, unknown): (Vec<_>, Vec<_>) =
        summary.subtests.iter().filter(belonging).partition(|subtest| subtest.scenario.skip.is_none());
    let mut found = Found::default();
    for subtest in known.iter().filter(|subtest| countable(subtest.scenario)) {
        found.add(subtest, registry);
    }
    found.add_violations(&summary.subtests);
    let verified = found.verified();
    let result = |state, reason: String| LevelResult {
        statements: found.judged.len(),
        verified,
        ..of(state, &reason)
    };
    let are = |count: usize, what: &str| {
        format!("{} {} {what}", counted(count, "statement"), plural(count, "is", "are"))
    };
    match (found.violated(), found.left_out()) {
        (0, 0) if verified > 0 => result(LevelState::Claimed, String::new()),
        (0, 0) => {
            let limit =
                unknown.iter().find_map(|subtest| subtest.skip_reason).unwrap_or("no statement was judged");
            result(LevelState::NotJudged, limit.to_owned())
        }
        (0, left_out) => {
            let why = found.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            result(LevelState::Incomplete, format!("{}{why}", are(left_out, "not verified")))
        }
        (violated, _) => result(LevelState::Violated, are(violated, "violated")),
    }
}

/// Whether a sub-test belongs to the level of a capability. One that waits moves the clock of a target that has one; if it
/// waits for some minutes only, it needs no clock either.
fn belongs(scenario: &Scenario, capability: Option<Capability>) -> bool {
    let needs = &scenario.needs;
    match capability {
        Some(Capability::Clock) => needs.contains(&Capability::Clock) || scenario.waits.is_some(),
        Some(capability) => needs.contains(&capability),
        None => {
            !scenario.waits_long() && !needs.iter().any(|need| is_level(*need) || *need == Capability::Tun)
        }
    }
}

/// Returns how many checks of each statement a sub-test plans, counting each row.
fn planned(scenario: &Scenario) -> BTreeMap<&StatementId, usize> {
    let mut planned = BTreeMap::new();
    for step in &scenario.steps {
        for id in step.checks.iter().flat_map(|check| &check.verifies) {
            *planned.entry(id).or_default() += step.rows.len().max(1);
        }
    }
    planned
}

fn is_level(capability: Capability) -> bool {
    LEVELS.iter().any(|(_, known)| *known == Some(capability))
}

/// The documented statements of a level, and what was found of each.
#[derive(Debug, Default)]
struct Found<'a> {
    judged: BTreeMap<&'a str, Vec<CheckVerdict>>,
    /// Why the first statement that was left out is.
    reason: Option<String>,
}

impl<'a> Found<'a> {
    fn add(&mut self, subtest: &'a SubtestSummary<'a>, registry: &Registry) {
        let documented = |id: &&String| !registry.is_ours(id);
        let reason = subtest.skip_reason.or(subtest.not_run);
        // It was carried out, and the target lacked what all its checks need.
        let was_inapplicable = subtest.verdict == Some(SubtestVerdict::Skip) && !subtest.checks.is_empty();
        let has_ended =
            (reason.is_none() || was_inapplicable) && subtest.gap.is_none() && subtest.verdict.is_some();
        for (id, planned) in planned(subtest.scenario) {
            let judged = subtest.checks.iter().filter(|check| check.statements.contains(id)).count();
            // A sub-test that was interrupted, or could not be prepared, has no verdict on some of its checks, or on any.
            if documented(&id) && (!has_ended || judged < planned) {
                self.judged.entry(id).or_default().push(CheckVerdict::Error);
                self.reason = self.reason.take().or_else(|| reason.map(str::to_owned));
            }
        }
        for check in subtest.checks.iter().filter(|check| check.verdict != CheckVerdict::Skip) {
            for id in check.statements.iter().filter(documented) {
                self.judged.entry(id).or_default().push(check.verdict);
            }
        }
    }

    /// Adds the failures of other sub-tests: who violates a statement anywhere cannot claim a level that it belongs to.
    fn add_violations(&mut self, all: &'a [SubtestSummary<'a>]) {
        let checks = all.iter().flat_map(|subtest| &subtest.checks);
        for check in checks.filter(|check| is_violation(&check.verdict)) {
            for id in check.statements {
                if let Some(verdicts) = self.judged.get_mut(id.as_str()) {
                    verdicts.push(check.verdict);
                }
            }
        }
    }

    fn violated(&self) -> usize {
        self.judged.values().filter(|verdicts| verdicts.iter().any(is_violation)).count()
    }

    fn left_out(&self) -> usize {
        let open = |verdicts: &&Vec<CheckVerdict>| verdicts.contains(&CheckVerdict::Error);
        self.judged.values().filter(open).count()
    }

    fn verified(&self) -> usize {
        let passed =
            |verdicts: &&Vec<CheckVerdict>| verdicts.iter().all(|verdict| *verdict == CheckVerdict::Pass);
        self.judged.values().filter(passed).count()
    }
}

fn is_violation(verdict: &CheckVerdict) -> bool {
    matches!(verdict, CheckVerdict::Fail | CheckVerdict::Waived)
}

#[cfg(test)]
mod tests;
