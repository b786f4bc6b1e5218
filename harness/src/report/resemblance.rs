//! What a target that failed behaves like.

use std::fmt;

/// A deviation of the reference whose pattern of failed checks a run has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Resemblance {
    /// Its id; `harness explain ID` tells more.
    pub deviation: String,
    /// What is wrong with it.
    pub wrong: String,
    /// The checks that fail in both.
    pub agreeing: usize,
    /// The checks that fail in either, of those that were judged.
    pub of: usize,
}

impl fmt::Display for Resemblance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deviation, wrong, agreeing, of } = self;
        write!(
            formatter,
            "behaves as the reference would if {wrong} ({agreeing} of {of} checks agree; {deviation})"
        )
    }
}
