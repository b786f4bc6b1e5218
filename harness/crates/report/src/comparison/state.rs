use std::fmt;

use harness_model::event::SubtestVerdict;
use serde::{Serialize, Serializer};

/// The state of a sub-test, or of its checks on the same statements, in one of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not part of the results.
    Absent,
    Pass,
    Fail,
    Waived,
    Skip,
    Error,
    NotEvaluated,
    Took {
        milliseconds: u64,
    },
}

impl From<SubtestVerdict> for State {
    fn from(verdict: SubtestVerdict) -> Self {
        match verdict {
            SubtestVerdict::Pass => Self::Pass,
            SubtestVerdict::Fail => Self::Fail,
            SubtestVerdict::Skip => Self::Skip,
            SubtestVerdict::Error => Self::Error,
            SubtestVerdict::Waived => Self::Waived,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "absent",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Waived => "waived",
            Self::Skip => "skip",
            Self::Error => "error",
            Self::NotEvaluated => "not evaluated",
            Self::Took { milliseconds } => return write!(formatter, "{milliseconds} ms"),
        })
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
