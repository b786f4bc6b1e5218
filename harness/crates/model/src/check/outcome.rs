//! The outcome of a check.

use crate::scenario::model::{Span, StatementId};

/// The outcome of a check.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub statements: Vec<StatementId>,
    pub verdict: CheckVerdict,
    /// The expected value or a description of it.
    pub expected: String,
    pub actual: String,
    /// One line: what is wrong, or what was observed.
    pub message: String,
    /// The decisive expectation in the scenario file.
    pub span: Span,
    /// Findings that fail the check only with `--strict`, such as undocumented fields.
    pub notes: Vec<String>,
    /// What the kit's WireGuard peer sent and received, unless the check passed.
    pub seen: Vec<String>,
    /// Whether its step did not run because an earlier one could not.
    pub is_blocked: bool,
}

/// How the message of a check begins whose step does not apply to the target (`when`).
pub const DOES_NOT_APPLY: &str = "not judged: applies only if ";

/// The verdict of a check.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// The check passed.
    Pass,
    /// The target does not behave as documented.
    Fail,
    /// The check was planned but could not be judged; never counted as passed.
    Error,
    /// The check does not apply to this target.
    Skip,
    /// The check failed, and a waiver covers the failure.
    Waived,
}
