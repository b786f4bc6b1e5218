//! `results.json`: a run as other programs read it.

mod failed_step;
mod of_record;
mod selected;
mod totals;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::claim::Claims;
use crate::coverage::StatementVerdict;
use crate::exit_code::Verdict;
use crate::record::Runs;
use crate::resemblance::Resemblance;
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::{Fault, SubtestVerdict, TargetDescription};
use harness_model::plan::waiver::AppliedWaiver;
use harness_model::requirement::Level;

pub use failed_step::{ExchangeResult, FailedStep, ProcessRun, ReferenceStep, WireRun};
pub(crate) use of_record::{chapters, requirements};
pub use selected::Selected;
pub use totals::Totals;

/// Everything that a run found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// What judged.
    pub kit: Kit,
    /// What was judged.
    pub target: TargetDescription,
    /// What this run is told from others by, if it has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// When the run began (RFC 3339).
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it says about the target.
    pub verdict: Verdict,
    /// The process's exit code.
    pub exit_code: u8,
    /// The sub-tests, in the plan's order.
    pub subtests: Vec<SubtestResult>,
    /// The chapters that the sub-tests and statements belong to, in the documents' order.
    #[serde(default)]
    pub chapters: Vec<ChapterResult>,
    /// The statements of the suites that ran.
    pub requirements: Vec<RequirementResult>,
    /// Everything counted.
    pub totals: Totals,
    /// What the target declares to be able to do and whether that was put to the test; what it does not declare.
    #[serde(default)]
    pub capabilities: Claims,
    /// Failures that are let through, and what became of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<AppliedWaiver>,
    /// What was asked for.
    #[serde(default)]
    pub selection: Selected,
    /// What was planned or promised and not done.
    pub gaps: Vec<String>,
    /// What is worse than in the baseline, and what differs from order to order; only where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressions: Vec<String>,
    /// What is left on the target and belongs to no sub-test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<String>,
    /// How many requests were sent again because the connection failed.
    #[serde(default)]
    pub retries: u64,
    /// What the target behaves like, if checks failed; the best explanation first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnosis: Vec<Resemblance>,
}

/// The kit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Kit {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A chapter of the documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChapterResult {
    /// Its short name, the first part of its statements' ids.
    pub id: String,
    /// The suite that it belongs to, if it belongs to one.
    pub suite: Option<String>,
    /// Its title in the documents.
    pub title: String,
    /// The document that states it, if one does.
    pub document: Option<String>,
}

/// One sub-test.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SubtestResult {
    /// `CHAPTER/NAME`.
    pub id: String,
    /// Its suite.
    pub suite: String,
    /// Its chapter.
    pub chapter: String,
    /// What it proves.
    pub title: String,
    /// How it ended.
    pub verdict: SubtestVerdict,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// Who is to blame for an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// How its runs ended, if it ran more than once; the rest tells of the worst of them, and what else was bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetitions: Option<Runs>,
    /// How long it took, in milliseconds; of several runs the mean.
    pub duration_ms: u64,
    /// Its checks, in the order in which they were judged.
    pub checks: Vec<CheckResult>,
    /// The steps with a check that does not hold, in full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedStep>,
    /// What could not be cleaned up.
    pub leftovers: Vec<String>,
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The name of the step that it looks at.
    #[serde(default)]
    pub step: String,
    /// The statements that it judges.
    pub requirements: Vec<String>,
    /// What it found.
    pub verdict: CheckVerdict,
    /// What the documents want.
    pub expected: String,
    /// What came.
    pub actual: String,
    /// What is wrong, or what was seen.
    pub message: String,
    /// `FILE:LINE` of the expectation.
    pub location: String,
    /// Remarks that fail only under `--strict`.
    pub notes: Vec<String>,
    /// Of a check on the kit's own WireGuard peer that does not hold: what the peer sent and heard, without keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<String>,
    /// What lets its failure through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<AppliedWaiver>,
}

/// One statement.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    /// Its id.
    pub id: String,
    /// What it says.
    #[serde(default)]
    pub text: String,
    /// The suite of its chapter, if that belongs to one.
    #[serde(default)]
    pub suite: Option<String>,
    /// Its chapter.
    #[serde(default)]
    pub chapter: String,
    /// How binding it is.
    pub level: Level,
    /// Whether it was shown.
    pub verdict: StatementVerdict,
    /// Why it is not verified, or only in part.
    pub reason: Option<String>,
    /// What lets a failed check of it through, if every failed one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<AppliedWaiver>,
}
