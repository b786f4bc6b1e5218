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
    /// Why it was not evaluated; `None` if it was.
    pub unevaluated: Option<Unevaluated>,
}

/// Why a check was not evaluated.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Unevaluated {
    pub cause: UnevaluatedCause,
    pub reason: String,
}

/// What kept a check from being evaluated.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum UnevaluatedCause {
    /// Its step does not apply (`when`), since the target has chosen another documented behaviour. Nothing is left open.
    Inapplicable,
    /// Its step is left out on this target, or judges only choices of the reference.
    LeftOut,
    /// Its step needs a value that an earlier response lacked.
    MissingValue,
    /// Its step could not be carried out.
    Undone,
    /// Its step was not attempted because an earlier one could not be carried out.
    Blocked,
}

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
