//! What came of one expectation.

use super::evidence::{Exchange, ProcessResult, WireResult};
use super::wording;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    Http(&'a Exchange),
    Process(&'a ProcessResult),
    Wire(&'a WireResult),
}

/// Whether an expectation held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    No,
    /// The kit or its surroundings kept it from being judged.
    Unknown,
}

/// What came of one expectation.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) held: Held,
    /// What was looked at: "the status", "`/data/id`".
    pub(super) place: String,
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) message: String,
    pub(super) notes: Vec<String>,
}

impl Finding {
    /// A finding about a place; the message is made of what was expected and what came.
    pub(super) fn new(held: bool, place: impl Into<String>, expected: String, actual: String) -> Self {
        let place = place.into();
        let message =
            format!("{place} should be {}, but is {}", wording::short(&expected), wording::short(&actual));
        let held = if held { Held::Yes } else { Held::No };
        Self { held, place, expected, actual, message, notes: Vec::new() }
    }

    pub(super) fn unknown(place: impl Into<String>, message: String) -> Self {
        let (place, expected, actual) = (place.into(), String::new(), String::new());
        Self { held: Held::Unknown, place, expected, actual, message, notes: Vec::new() }
    }
}
