//! How much of the documents a run judged, which decides whether a run without failures is called conformant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::requirement::Level;

use crate::coverage::{Coverage, Scope, StatementVerdict};

/// How much of the documents a run judged, and what it let pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Extent {
    /// Whether a flag selected some sub-tests only.
    pub selection: bool,
    /// How many documented statements were judged, in part at least.
    pub judged: usize,
    /// How many of these lack a check on this target.
    pub in_part: usize,
    /// How many documented statements there are.
    pub of: usize,
    /// How many waivers let a failure pass.
    pub waivers: usize,
    /// Whether the target is the reference with a deliberate deviation.
    pub deviating: bool,
}

impl Extent {
    /// Counts the documented statements of a run.
    pub fn of(coverage: &[Coverage], scope: Scope, waivers: usize, deviating: bool) -> Self {
        let documented = || coverage.iter().filter(|found| found.level != Level::Ours);
        let judged = || documented().filter(|found| is_judged(found));
        let in_part =
            |found: &&Coverage| found.verdict == StatementVerdict::Verified && found.reason.is_some();
        Self {
            selection: scope == Scope::Selection,
            judged: judged().count(),
            in_part: judged().filter(in_part).count(),
            of: documented().count(),
            waivers,
            deviating,
        }
    }

    /// Whether nothing was left out or waived.
    pub fn is_whole(&self) -> bool {
        let Self { selection, judged, in_part, of, waivers, deviating } = *self;
        !selection && judged == of && in_part == 0 && waivers == 0 && !deviating
    }
}

/// Whether the run has seen how the target behaves: a statement may be verified, violated, or not apply because the
/// target has chosen another documented behaviour.
fn is_judged(found: &Coverage) -> bool {
    found.verdict != StatementVerdict::Unverified || found.is_inapplicable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(level: Level, verdict: StatementVerdict, reason: Option<&str>) -> Coverage {
        Coverage {
            id: "a/F.1".to_owned(),
            level,
            verdict,
            reason: reason.map(str::to_owned),
            unjudged: Vec::new(),
            is_inapplicable: false,
        }
    }

    #[test]
    fn only_a_run_without_omissions_is_whole() {
        use StatementVerdict::{Unverified, Verified};
        let verified = statement(Level::Must, Verified, None);
        let in_part = statement(Level::Either, Verified, Some("partly: needs a clock"));
        let missing = statement(Level::Must, Unverified, Some("needs a clock"));
        let inapplicable =
            Coverage { is_inapplicable: true, ..statement(Level::Either, Unverified, Some("another form")) };
        let choice = statement(Level::Ours, Unverified, Some("needs a clock"));
        let whole = [verified.clone(), inapplicable, choice];
        let extent = |all: &[Coverage]| Extent::of(all, Scope::Whole, 0, false);
        assert!(extent(&whole).is_whole());
        assert!(!extent(&[verified.clone(), in_part]).is_whole());
        assert!(!extent(&[verified, missing]).is_whole());
        assert!(!Extent::of(&whole, Scope::Selection, 0, false).is_whole());
        assert!(!Extent::of(&whole, Scope::Whole, 1, false).is_whole());
        assert!(!Extent::of(&whole, Scope::Whole, 0, true).is_whole());
    }
}
