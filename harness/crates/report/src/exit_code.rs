//! From what a run found to its verdict and the exit code (decision 3 of the design).

use harness_model::event::End;

/// The target does not conform, or something got worse.
pub const NON_CONFORMANT: u8 = 1;
/// Wrong usage, configuration or scenario.
pub const USAGE: u8 = 2;
/// The target or the environment failed.
pub const ENVIRONMENT: u8 = 3;
/// No sub-test was selected.
pub const NOTHING_SELECTED: u8 = 4;
/// The kit's own fault.
pub const KIT: u8 = 70;

/// What a run found, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Sub-tests with a failed check.
    pub failed: usize,
    /// Sub-tests that the target or the environment kept from a verdict.
    pub environment: usize,
    /// Sub-tests that the kit's own fault kept from a verdict.
    pub kit: usize,
    /// Things that were planned or promised and not done.
    pub gaps: usize,
    /// Waivers that have expired or that nothing needs any more.
    pub stale: usize,
    /// How the run ended.
    pub end: End,
}

/// What a run says about the target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every check that was planned holds.
    Conformant,
    /// A check failed.
    NonConformant,
    /// Nothing else is wrong than a waiver, which has expired or is no longer needed.
    StaleWaiver,
    /// Every check that was planned holds, and still something is worse than before, or hangs on the order.
    Worse,
    /// The target or the environment kept checks from being judged.
    EnvironmentError,
    /// Something planned was not done, or the run was cancelled.
    Incomplete,
    /// The kit failed.
    KitError,
    /// A person interrupted the run.
    Interrupted,
}

impl Tally {
    /// The verdict. What keeps all others from being believed comes first; after that what is certain
    /// (a failed check) before what is not.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self { end: End::Interrupted, .. } => Verdict::Interrupted,
            Self { kit: 1.., .. } => Verdict::KitError,
            Self { failed: 1.., .. } => Verdict::NonConformant,
            Self { end: End::Cancelled, .. } => Verdict::Incomplete,
            Self { environment: 1.., .. } => Verdict::EnvironmentError,
            Self { stale: 1.., .. } => Verdict::StaleWaiver,
            Self { gaps: 1.., .. } => Verdict::Incomplete,
            Self { end: End::Complete, .. } => Verdict::Conformant,
        }
    }
}

impl Verdict {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Conformant => 0,
            Self::NonConformant | Self::StaleWaiver | Self::Worse => NON_CONFORMANT,
            Self::EnvironmentError => ENVIRONMENT,
            Self::Incomplete => 5,
            Self::KitError => KIT,
            Self::Interrupted => 130,
        }
    }

    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Conformant => "conformant",
            Self::NonConformant => "not conformant",
            Self::StaleWaiver => "not passed: a waiver has expired or is no longer needed",
            Self::Worse => "not passed: something got worse, or hangs on the order",
            Self::EnvironmentError => "no verdict: the target or its environment failed",
            Self::Incomplete => "no verdict: not everything planned was done",
            Self::KitError => "no verdict: the kit itself failed",
            Self::Interrupted => "no verdict: interrupted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_exit_codes() {
        let clean = Tally { failed: 0, environment: 0, kit: 0, gaps: 0, stale: 0, end: End::Complete };
        let cases = [
            (clean, 0),
            (Tally { failed: 1, ..clean }, 1),
            (Tally { environment: 1, ..clean }, 3),
            (Tally { gaps: 1, ..clean }, 5),
            (Tally { kit: 1, ..clean }, 70),
            (Tally { end: End::Interrupted, ..clean }, 130),
            (Tally { end: End::Cancelled, ..clean }, 5),
            (Tally { stale: 1, ..clean }, 1),
            (Tally { stale: 1, gaps: 1, ..clean }, 1),
            (Tally { stale: 1, environment: 1, ..clean }, 3),
            (Tally { stale: 1, end: End::Cancelled, ..clean }, 5),
            (Tally { failed: 2, environment: 1, gaps: 1, ..clean }, 1),
            (Tally { failed: 2, kit: 1, ..clean }, 70),
            (Tally { environment: 1, gaps: 3, ..clean }, 3),
            (Tally { failed: 1, end: End::Cancelled, ..clean }, 1),
            (Tally { environment: 1, end: End::Cancelled, ..clean }, 5),
            (Tally { failed: 1, kit: 1, end: End::Interrupted, ..clean }, 130),
        ];
        for (tally, code) in cases {
            assert_eq!(tally.verdict().exit_code(), code, "{tally:?}");
        }
    }
}
