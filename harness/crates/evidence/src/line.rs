//! The line format of `exchanges.jsonl`.

use serde::{Deserialize, Serialize};

use harness_model::event::{
    CleanupFailed, Finished, Settled, SubtestFinished, SubtestStarted, TargetDescription,
};
use harness_model::plan::waiver::AppliedWaiver;
use harness_model::recording::Recording;
use harness_report::results::{Kit, Selected};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The SHA-256 digest of the previous line without its line break; zeros in the first line.
    pub previous: String,
    pub event: RecordedEvent,
}

/// An event of the run, in order of occurrence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RecordedEvent {
    /// The run started: always the first line, and repeated where a run is repeated for comparison.
    RunStarted(Box<RunStarted>),
    SubtestStarted(SubtestStarted),
    /// A step finished or could not run.
    Step {
        /// The index of the sub-test's run in the plan.
        subtest: usize,
        /// Its observations and the outcomes of its checks.
        recording: Box<Recording>,
    },
    CleanupFailed(CleanupFailed),
    SubtestFinished(SubtestFinished),
    /// The target's state after the run; right before the last line.
    Settled(Settled),
    /// The run ended: always the last line.
    RunFinished(Finished),
}

/// The parameters of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    /// The version of the line format.
    pub format: u32,
    /// A random number that makes every chain unique.
    pub nonce: String,
    /// When the run started (RFC 3339).
    pub at: String,
    pub kit: Kit,
    pub target: TargetDescription,
    /// Whether undocumented fields fail a snapshot.
    pub strict: bool,
    /// The scenarios' folder as shown in locations.
    pub scenarios: String,
    pub selection: Selected,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<AppliedWaiver>,
    /// The sub-tests in the order of the results.
    pub plan: Vec<PlannedLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedLine {
    pub id: String,
    /// Why it is skipped, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<String>,
    /// Whether checks of `ours` statements are judged.
    pub judges_ours: bool,
}

/// The version of the line format that this kit writes and reads.
pub const FORMAT: u32 = 1;
