//! The results of sub-tests and their checks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::Runs;
use harness_model::check::outcome::{CheckVerdict, Unevaluated};
use harness_model::event::{Fault, HostLog, SubtestVerdict};
use harness_model::plan::waiver::AppliedWaiver;
use harness_model::source::Location;

use super::failed_step::FailedStep;

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
    /// After a failure or an error, the logs of the hosts that it had to itself, such as containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<HostLog>,
}

impl SubtestResult {
    /// Whether it was not run because enough others had failed (`--max-fail`).
    pub fn is_not_run(&self) -> bool {
        self.verdict == SubtestVerdict::Skip && self.fault == Some(Fault::Interruption)
    }
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
    /// Why it was not evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unevaluated: Option<Unevaluated>,
    /// Remarks that fail only under `--strict`.
    pub notes: Vec<String>,
    /// For a failed check of the kit's WireGuard peer: the packets sent and received, without keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<String>,
    /// The waiver of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<AppliedWaiver>,
}
