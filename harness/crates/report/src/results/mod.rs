//! The `results.json` format.

mod failed_step;
mod of_record;
mod selected;
mod totals;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claim::Claims;
use crate::coverage::StatementVerdict;
use crate::exit_code::Verdict;
use crate::extent::Extent;
use crate::gap::Gap;
use crate::record::Runs;
use crate::resemblance::Resemblance;
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::{Fault, SubtestVerdict, TargetDescription};
use harness_model::plan::waiver::AppliedWaiver;
use harness_model::requirement::Level;
use harness_model::source::Location;

pub use failed_step::{ExchangeResult, FailedStep, ProcessRun, ReferenceStep, WireRun};
pub(crate) use of_record::{chapters, requirements, used};
pub use selected::Selected;
pub use totals::Totals;

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

/// A chapter of the documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChapterResult {
    /// The chapter's id, the first part of its statements' ids.
    pub id: String,
    /// The suite it belongs to, if any.
    pub suite: Option<String>,
    /// The title in the documents.
    pub title: String,
    /// The document that contains it, if any.
    pub document: Option<String>,
}

/// The result of a sub-test.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SubtestResult {
    /// The id: `CHAPTER/NAME`.
    pub id: String,
    pub suite: String,
    pub chapter: String,
    pub title: String,
    pub verdict: SubtestVerdict,
    /// The reason for the verdict, unless it passed.
    pub reason: Option<String>,
    /// Who caused an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The verdicts of its runs, if it ran more than once. The other fields describe the worst run, with further
    /// failures of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetitions: Option<Runs>,
    /// The duration in milliseconds; of several runs the mean.
    pub duration_ms: u64,
    /// The checks in the order in which they were evaluated.
    pub checks: Vec<CheckResult>,
    /// The failed steps in full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedStep>,
    /// What could not be cleaned up.
    pub leftovers: Vec<String>,
}

/// The result of a check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The name of the step it belongs to.
    #[serde(default)]
    pub step: String,
    /// The ids of the statements it verifies.
    pub requirements: Vec<String>,
    pub verdict: CheckVerdict,
    /// The value that the documents require.
    pub expected: String,
    /// The value that the target returned.
    pub actual: String,
    /// The failure, or what was observed.
    pub message: String,
    /// The line of the expectation, as `FILE:LINE`.
    pub location: Location,
    /// Remarks that fail only under `--strict`.
    pub notes: Vec<String>,
    /// For a failed check of the kit's WireGuard peer: the packets sent and received, without keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<String>,
    /// The waiver of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<AppliedWaiver>,
}

/// The verdict on a documented statement.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    pub id: String,
    /// The text of the statement.
    #[serde(default)]
    pub text: String,
    /// The suite of its chapter, if any.
    #[serde(default)]
    pub suite: Option<String>,
    #[serde(default)]
    pub chapter: String,
    pub level: Level,
    pub verdict: StatementVerdict,
    /// Why it is unverified, or only partly verified.
    pub reason: Option<String>,
    /// A waiver of its failed checks, if all of them are waived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<AppliedWaiver>,
}
