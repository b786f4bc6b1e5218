//! What a run planned or a target promised, and was not done.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::text::{counted, plural};

/// Something planned or declared that the run did not do. A run with gaps is incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The sub-test; absent if the gap concerns the run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtest: Option<String>,
    #[serde(flatten)]
    pub kind: GapKind,
}

/// The kinds of gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum GapKind {
    /// The run or the sub-test did not finish.
    Unfinished,
    /// Fewer checks ran than were planned.
    MissingChecks { ran: usize, planned: usize },
    /// Every selected sub-test was skipped.
    AllSkipped,
    /// Sub-tests were not run because enough others had failed (`--max-fail`).
    NotRun { subtests: usize },
    /// Every check that needs a declared capability was skipped.
    Unexercised { capability: String },
}

impl Gap {
    pub fn of_run(kind: GapKind) -> Self {
        Self { subtest: None, kind }
    }

    pub fn of_subtest(id: &str, kind: GapKind) -> Self {
        Self { subtest: Some(id.to_owned()), kind }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subtest.as_deref().unwrap_or("the run");
        match &self.kind {
            GapKind::Unfinished => write!(formatter, "{subject} did not finish"),
            GapKind::MissingChecks { ran, planned } => {
                write!(formatter, "{subject}: only {ran} of {planned} planned checks ran")
            }
            GapKind::NotRun { subtests } => {
                write!(
                    formatter,
                    "{} {} not run",
                    counted(*subtests, "sub-test"),
                    plural(*subtests, "was", "were")
                )
            }
            GapKind::AllSkipped => formatter.write_str("every selected sub-test was skipped"),
            GapKind::Unexercised { capability } => {
                write!(
                    formatter,
                    "the target declares `{capability}`, but every check that needs it was skipped"
                )
            }
        }
    }
}
