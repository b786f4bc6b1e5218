//! How a run and its sub-tests end.

/// Who is to blame when nothing can be said about the target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The target could not be talked to, or what surrounds it failed.
    Environment,
    /// The kit failed.
    Kit,
    /// The run was cut short.
    Interruption,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything planned was done.
    Complete,
    /// A person pressed Ctrl-C.
    Interrupted,
    /// Somebody asked the process to terminate.
    Cancelled,
}

/// A sub-test's verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SubtestVerdict {
    /// All checks hold.
    Pass,
    /// The target failed a check.
    Fail,
    /// It needs what the target does not declare.
    Skip,
    /// The environment or the kit failed, so nothing can be said.
    Error,
    /// It failed, and a waiver allows it.
    Waived,
}
