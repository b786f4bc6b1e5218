//! The verdict of a run and its exit code (decision 3 of the design).

use harness_model::event::RunEnd;

use crate::extent::Extent;

/// The exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// No check failed, or the command succeeded.
    Conformant = 0,
    /// The target does not conform, a waiver is stale, or something got worse.
    NonConformant = 1,
    /// Usage, configuration or scenario error.
    Usage = 2,
    /// The target or the environment failed.
    Environment = 3,
    NothingSelected = 4,
    /// A planned check did not run, or the run was cancelled.
    Incomplete = 5,
    /// Internal error of the kit.
    Internal = 70,
    Interrupted = 130,
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code as Self
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(u8::from(code))
    }
}

/// The counts that determine a run's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Sub-tests with a failed check.
    pub failed: usize,
    /// Sub-tests without a verdict because the target or the environment failed.
    pub environment: usize,
    /// Sub-tests without a verdict because of an internal error of the kit.
    pub kit: usize,
    /// Planned checks that did not run, and empty claims.
    pub gaps: usize,
    /// Waivers that expired or are no longer needed.
    pub stale: usize,
    pub end: RunEnd,
}

/// The verdict of a run on its target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every check of every documented statement passed: nothing was left out or waived.
    Conformant,
    /// No check failed, but the run judged less than everything, or waived failures.
    Passed,
    /// A check failed.
    NonConformant,
    /// Everything passed, but a waiver expired or is no longer needed.
    StaleWaiver,
    /// Every planned check passed, but something is worse than in the baseline or order-dependent.
    Worse,
    /// Checks could not be evaluated because the target or the environment failed.
    EnvironmentError,
    /// A planned check did not run, or the run was cancelled.
    Incomplete,
    /// Internal error of the kit.
    KitError,
    /// The user interrupted the run.
    Interrupted,
}

impl Tally {
    /// Determines the verdict. Errors that cast doubt on everything else take precedence; then certain findings
    /// (a failed check) over uncertain ones.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self { end: RunEnd::Interrupted, .. } => Verdict::Interrupted,
            Self { kit: 1.., .. } => Verdict::KitError,
            Self { failed: 1.., .. } => Verdict::NonConformant,
            Self { end: RunEnd::Cancelled, .. } => Verdict::Incomplete,
            Self { environment: 1.., .. } => Verdict::EnvironmentError,
            Self { stale: 1.., .. } => Verdict::StaleWaiver,
            Self { gaps: 1.., .. } => Verdict::Incomplete,
            Self { end: RunEnd::Complete, .. } => Verdict::Conformant,
        }
    }
}

impl Verdict {
    /// Whether no check failed and none is missing, so that the exit code is 0.
    pub fn is_pass(self) -> bool {
        matches!(self, Self::Conformant | Self::Passed)
    }

    /// Returns the verdict of a run that judged `extent`: only a whole run can be conformant.
    pub fn within(self, extent: &Extent) -> Self {
        match self {
            Self::Conformant if !extent.is_whole() => Self::Passed,
            verdict => verdict,
        }
    }

    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Conformant | Self::Passed => ExitCode::Conformant,
            Self::NonConformant | Self::StaleWaiver | Self::Worse => ExitCode::NonConformant,
            Self::EnvironmentError => ExitCode::Environment,
            Self::Incomplete => ExitCode::Incomplete,
            Self::KitError => ExitCode::Internal,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }

    pub fn in_words(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::Passed => "passed",
            Self::NonConformant => "not conformant",
            Self::StaleWaiver => "not passed: a waiver expired or is no longer needed",
            Self::Worse => "not passed: regressions or order-dependent results",
            Self::EnvironmentError => "no verdict: the target or its environment failed",
            Self::Incomplete => "no verdict: the run is incomplete",
            Self::KitError => "no verdict: internal error of the kit",
            Self::Interrupted => "no verdict: interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdict_determines_exit_code() {
        let clean = Tally { failed: 0, environment: 0, kit: 0, gaps: 0, stale: 0, end: RunEnd::Complete };
        let cases = [
            (clean, 0),
            (Tally { failed: 1, ..clean }, 1),
            (Tally { environment: 1, ..clean }, 3),
            (Tally { gaps: 1, ..clean }, 5),
            (Tally { kit: 1, ..clean }, 70),
            (Tally { end: RunEnd::Interrupted, ..clean }, 130),
            (Tally { end: RunEnd::Cancelled, ..clean }, 5),
            (Tally { stale: 1, ..clean }, 1),
            (Tally { stale: 1, gaps: 1, ..clean }, 1),
            (Tally { stale: 1, environment: 1, ..clean }, 3),
            (Tally { stale: 1, end: RunEnd::Cancelled, ..clean }, 5),
            (Tally { failed: 2, environment: 1, gaps: 1, ..clean }, 1),
            (Tally { failed: 2, kit: 1, ..clean }, 70),
            (Tally { environment: 1, gaps: 3, ..clean }, 3),
            (Tally { failed: 1, end: RunEnd::Cancelled, ..clean }, 1),
            (Tally { environment: 1, end: RunEnd::Cancelled, ..clean }, 5),
            (Tally { failed: 1, kit: 1, end: RunEnd::Interrupted, ..clean }, 130),
        ];
        for (tally, code) in cases {
            assert_eq!(u8::from(tally.verdict().exit_code()), code, "{tally:?}");
        }
    }
}
