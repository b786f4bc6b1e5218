//! The result of one expectation.

use super::evidence::{Exchange, ProcessResult, WireResult};
use super::wording;

/// One response, as seen by an expectation.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    Http(&'a Exchange),
    Process(&'a ProcessResult),
    Wire(&'a WireResult),
}

/// Whether an expectation is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Met,
    Unmet,
    /// It could not be judged because of the kit or its environment.
    Unknown,
}

/// The result of one expectation.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) judgement: Judgement,
    /// The observed property, such as "status" or "`/data/id`".
    pub(super) label: String,
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) message: String,
    pub(super) notes: Vec<String>,
}

impl Finding {
    /// Creates a finding whose message states the expected and the actual value.
    pub(super) fn new(is_met: bool, label: impl Into<String>, expected: String, actual: String) -> Self {
        let label = label.into();
        let message =
            format!("{label}: expected {}, got {}", wording::inline(&expected), wording::inline(&actual));
        let judgement = if is_met { Judgement::Met } else { Judgement::Unmet };
        Self { judgement, label, expected, actual, message, notes: Vec::new() }
    }

    pub(super) fn unknown(label: impl Into<String>, message: String) -> Self {
        let (label, expected, actual) = (label.into(), String::new(), String::new());
        Self { judgement: Judgement::Unknown, label, expected, actual, message, notes: Vec::new() }
    }
}
