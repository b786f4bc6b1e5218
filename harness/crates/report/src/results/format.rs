//! The top level of `results.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claim::Claims;
use crate::exit_code::Verdict;
use crate::extent::Extent;
use crate::gap::Gap;
use crate::level::LevelResult;
use crate::resemblance::Resemblance;
use harness_model::event::TargetDescription;
use harness_model::plan::waiver::AppliedWaiver;

use super::requirement::{ChapterResult, RequirementResult};
use super::selected::Selected;
use super::subtest::SubtestResult;
use super::totals::Totals;

/// The results of a run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The kit that ran the checks.
    pub kit: Kit,
    /// The target that was tested.
    pub target: TargetDescription,
    /// The run's id, part of the names it created on the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// When the run started (RFC 3339).
    pub started_at: String,
    /// The duration in milliseconds.
    pub duration_ms: u64,
    /// The verdict on the target.
    pub verdict: Verdict,
    /// The process's exit code.
    pub exit_code: u8,
    /// How much of the documents was judged.
    #[serde(default)]
    pub extent: Extent,
    /// The selected sub-tests, in the plan's order.
    pub subtests: Vec<SubtestResult>,
    /// The chapters of the sub-tests and statements, in the documents' order.
    #[serde(default)]
    pub chapters: Vec<ChapterResult>,
    /// Every documented statement and, on the reference, the choices of its own that were judged.
    pub requirements: Vec<RequirementResult>,
    /// Sub-tests, checks and statements by verdict.
    pub totals: Totals,
    /// The capabilities that the target declares, whether they were exercised, and the undeclared ones.
    #[serde(default)]
    pub capabilities: Claims,
    /// The levels that the target may claim.
    #[serde(default)]
    pub levels: Vec<LevelResult>,
    /// The waivers that applied, and their state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<AppliedWaiver>,
    /// What was selected, and how it was run.
    #[serde(default)]
    pub selection: Selected,
    /// Planned checks that did not run, and declared capabilities whose checks were all skipped.
    pub gaps: Vec<Gap>,
    /// What is worse than in the baseline (`--baseline`) or order-dependent (`--prove-isolation`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressions: Vec<String>,
    /// What was not cleaned up on the target and belongs to no sub-test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<String>,
    /// How many reads were retried after a connection failure.
    #[serde(default)]
    pub retries: u64,
    /// The known deviations that explain the failed checks, the best match first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnosis: Vec<Resemblance>,
}

/// Name and version of the kit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Kit {
    pub name: String,
    pub version: String,
}
