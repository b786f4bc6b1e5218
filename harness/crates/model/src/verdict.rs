//! The verdicts of sub-tests and the ends of runs.

/// Where the fault lies when a sub-test ends without a verdict on the target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The target could not be reached, or its environment failed.
    Environment,
    /// The kit itself failed.
    Kit,
    /// The run was interrupted.
    Interruption,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// The whole plan was executed.
    Complete,
    /// A user pressed Ctrl-C.
    Interrupted,
    /// The process was asked to terminate.
    Cancelled,
}

/// A sub-test's verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SubtestVerdict {
    /// All checks passed.
    Pass,
    /// The target failed a check.
    Fail,
    /// It needs a capability that the target does not declare.
    Skip,
    /// The environment or the kit failed, so there is no verdict on the target.
    Error,
    /// It failed, and a waiver accepts the failure.
    Waived,
}
