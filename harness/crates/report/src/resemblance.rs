//! The known deviation that a failing target resembles.

use std::fmt;

/// A deviation of the reference that fails the same checks as the target.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Resemblance {
    /// The deviation's id, as `harness explain ID` takes it.
    pub deviation: String,
    /// The defect.
    #[serde(alias = "wrong")]
    pub summary: String,
    /// How many checks fail in both.
    pub agreeing: usize,
    /// How many of the judged checks fail in either.
    pub of: usize,
    /// What speaks against it, one line each: checks that pass although the deviation fails them, and failures that it
    /// does not explain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<String>,
    /// How many further deviations match equally well and are not listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Resemblance {
    /// Whether the deviation explains every failed check, and nothing else should have failed.
    pub fn is_exact(&self) -> bool {
        self.agreeing == self.of
    }
}

impl fmt::Display for Resemblance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deviation, summary, agreeing, of, against, others } = self;
        let verb = if self.is_exact() { "behaves like" } else { "resembles" };
        write!(
            formatter,
            "{verb} the reference with one defect: {summary} ({agreeing} of {of} checks agree; {deviation})"
        )?;
        if !against.is_empty() {
            write!(formatter, "; against it: {}", against.join("; "))?;
        }
        match others {
            0 => Ok(()),
            others => {
                write!(
                    formatter,
                    ", or like {others} more that match equally well: run the whole suite to tell them apart"
                )
            }
        }
    }
}
