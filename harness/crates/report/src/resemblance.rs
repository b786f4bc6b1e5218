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
    /// How many more deviations, which are not told, agree as well as this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl fmt::Display for Resemblance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deviation, wrong, agreeing, of, others } = self;
        write!(
            formatter,
            "behaves as the reference would if {wrong} ({agreeing} of {of} checks agree; {deviation})"
        )?;
        match others {
            0 => Ok(()),
            others => {
                write!(formatter, ", or as {others} more that agree as well: a whole suite tells them apart")
            }
        }
    }
}
