//! The lines of `exchanges.jsonl`.

use serde::{Deserialize, Serialize};

use harness_model::event::{End, Fault, SubtestVerdict, TargetDescription};
use harness_model::plan::waiver::AppliedWaiver;
use harness_model::recording::Recording;
use harness_report::results::{Kit, Selected};

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The SHA-256 digest of the line before, without its line break; zeros in the first.
    pub previous: String,
    /// What happened.
    pub event: Happened,
}

/// What happened, in the order in which it did.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Happened {
    /// The run began; always the first line, and another one where a run is repeated to compare it.
    RunStarted(Box<RunStarted>),
    /// A sub-test began.
    SubtestStarted {
        /// Which of the plan's runs of sub-tests.
        subtest: usize,
        /// Its id.
        id: String,
        /// When (RFC 3339).
        at: String,
    },
    /// A step was done, or could not be.
    Step {
        /// Which of the plan's runs of sub-tests.
        subtest: usize,
        /// What it saw and what its checks found.
        recording: Box<Recording>,
    },
    /// Something could not be cleaned up.
    CleanupFailed {
        /// Which of the plan's runs of sub-tests.
        subtest: usize,
        /// What, and why.
        message: String,
    },
    /// A sub-test ended.
    SubtestFinished {
        /// Which of the plan's runs of sub-tests.
        subtest: usize,
        /// How.
        verdict: SubtestVerdict,
        /// Why, unless it passed.
        reason: Option<String>,
        /// Who is to blame for an error.
        fault: Option<Fault>,
        /// How long it took, in nanoseconds.
        took_ns: u64,
    },
    /// What became of the target as a whole; right before the end.
    Settled {
        /// The run's id.
        run_id: String,
        /// Reads that were repeated because their connection failed.
        retries: u64,
        /// What is left on the target and belongs to no sub-test.
        leftovers: Vec<String>,
    },
    /// The run ended; always the last line.
    RunFinished {
        /// How long it took, in nanoseconds.
        took_ns: u64,
        /// Whether it went through.
        end: Ending,
    },
}

/// What a run set out to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    /// The form of these lines.
    pub format: u32,
    /// A random number, so that no two runs have the same chain.
    pub nonce: String,
    /// When (RFC 3339).
    pub at: String,
    /// What judged.
    pub kit: Kit,
    /// What was judged.
    pub target: TargetDescription,
    /// Whether fields that a snapshot lacks fail it.
    pub strict: bool,
    /// What stands for the scenarios' folder in locations.
    pub scenarios: String,
    /// What was asked for.
    pub selection: Selected,
    /// Failures that were let through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<AppliedWaiver>,
    /// The sub-tests, in the order of the results.
    pub plan: Vec<PlannedLine>,
}

/// A sub-test of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedLine {
    /// Its id.
    pub id: String,
    /// Why it is skipped, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<String>,
    /// Whether checks on the reference's own choices are judged.
    pub judges_ours: bool,
}

/// The form of lines that this kit writes and reads.
pub const FORMAT: u32 = 1;

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Everything planned was done.
    Complete,
    /// A person pressed Ctrl-C.
    Interrupted,
    /// Somebody asked the process to terminate.
    Cancelled,
}

impl From<End> for Ending {
    fn from(end: End) -> Self {
        match end {
            End::Complete => Self::Complete,
            End::Interrupted => Self::Interrupted,
            End::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Ending> for End {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Complete => Self::Complete,
            Ending::Interrupted => Self::Interrupted,
            Ending::Cancelled => Self::Cancelled,
        }
    }
}
