//! One change between two results.

use std::fmt;

use harness_model::source::Location;
use serde::Serialize;

use super::state::State;
use crate::results::SubtestResult;

/// A change of a sub-test or of one of its checks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub kind: ChangeKind,
    pub regression: bool,
    pub subtest: String,
    /// The statements of the check; empty if the whole sub-test changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    pub was: State,
    pub is: State,
    /// The failure, or the reason why there is no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The location of the failed expectation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// Kinds of change, the most serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Fails, or fails in one more place.
    NewlyFailing,
    /// Had a verdict and now ends in an error.
    NewlyErring,
    /// Ran and is now skipped.
    NewlySkipped,
    /// Is no longer part of the results.
    Vanished,
    Slower,
    NewlyWaived,
    /// Did not pass and now does.
    NewlyPassing,
    /// Is new in the results.
    Appeared,
}

impl ChangeKind {
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NewlyFailing => "newly failing",
            Self::NewlyErring => "newly erring",
            Self::NewlySkipped => "newly skipped",
            Self::Vanished => "vanished",
            Self::Slower => "slower",
            Self::NewlyWaived => "newly waived",
            Self::NewlyPassing => "newly passing",
            Self::Appeared => "appeared",
        }
    }
}

impl Change {
    /// A change of a sub-test as a whole.
    pub(super) fn of_subtest(subtest: &SubtestResult, kind: ChangeKind, was: State, is: State) -> Self {
        Self {
            kind,
            regression: false,
            subtest: subtest.id.clone(),
            requirements: Vec::new(),
            was,
            is,
            message: None,
            location: None,
        }
    }
}

impl fmt::Display for Change {
    /// Writes the change on one line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.in_words(), self.subtest)?;
        if !self.requirements.is_empty() {
            write!(formatter, " {}", self.requirements.join(", "))?;
        }
        write!(formatter, " ({} → {})", self.was, self.is)
    }
}
