//! What a check found.

use crate::scenario::model::{Span, StatementId};

/// The result of one check.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The statements that it judges.
    pub statements: Vec<StatementId>,
    /// What it found.
    pub verdict: CheckVerdict,
    /// What the document wants, in words or as the value.
    pub expected: String,
    /// What came.
    pub actual: String,
    /// One line: what is wrong, or what was seen.
    pub message: String,
    /// Where in the scenario the expectation stands that decided.
    pub span: Span,
    /// Remarks that fail only under `--strict`, such as fields that nobody documented.
    pub notes: Vec<String>,
    /// What a WireGuard peer of the kit's own sent and heard, if the check does not hold.
    pub seen: Vec<String>,
}

/// A check's verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// It holds.
    Pass,
    /// The target does not do what is documented.
    Fail,
    /// It was planned and could not be judged; never counted as passed.
    Error,
    /// It was not planned to run.
    Skip,
    /// It failed, and a waiver lets it through.
    Waived,
}
