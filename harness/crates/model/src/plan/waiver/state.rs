//! Determines the state of each waiver after a run.

use time::Date;
use time::macros::format_description;

use crate::check::outcome::CheckVerdict;
use crate::scenario::model::{Scenario, StatementId};

use super::{AppliedWaiver, CheckPosition, Waiver, WaiverScope, WaiverState, Waivers};

/// A sub-test and the verdicts of its checks.
#[derive(Debug, Clone)]
pub struct JudgedSubtest<'a> {
    pub scenario: &'a Scenario,
    pub extent: Extent,
    pub checks: Vec<JudgedCheck<'a>>,
}

/// A check and its verdict.
#[derive(Debug, Clone, Copy)]
pub struct JudgedCheck<'a> {
    /// The line of the expectation.
    pub line: usize,
    pub statements: &'a [StatementId],
    pub verdict: CheckVerdict,
}

/// How much of a sub-test was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All checks.
    Complete,
    /// Not all checks, or none: it was not selected or has no verdict.
    Incomplete,
    /// None, because it cannot run on this target.
    Impossible,
}

impl Waivers {
    /// Returns the state of each waiver, given all sub-tests of the library.
    pub fn states(&self, seen: &[JudgedSubtest<'_>]) -> Vec<AppliedWaiver> {
        self.0.iter().map(|waiver| waiver.applied(waiver.state(seen))).collect()
    }

    /// Restores waivers from results, with their expiry as of `today`.
    ///
    /// # Errors
    /// A waiver is not in the format of this version.
    pub fn recalled(applied: &[AppliedWaiver], today: Date) -> Result<Self, String> {
        applied.iter().map(|applied| recalled(applied, today)).collect::<Result<_, _>>().map(Self)
    }
}

impl Waiver {
    fn state(&self, seen: &[JudgedSubtest<'_>]) -> WaiverState {
        let (mut failed, mut held, mut is_whole) = (false, false, true);
        for seen in seen.iter().filter(|seen| self.scope.concerns(seen.scenario)) {
            is_whole &= seen.extent != Extent::Incomplete;
            for JudgedCheck { line, statements, verdict } in seen.checks.iter().copied() {
                if self.covers(seen.scenario, statements, line) {
                    failed |= matches!(verdict, CheckVerdict::Fail | CheckVerdict::Waived);
                    held |= verdict == CheckVerdict::Pass;
                    is_whole &= verdict != CheckVerdict::Error;
                }
            }
        }
        match (failed, held && is_whole) {
            (true, _) | (_, true) if self.is_expired => WaiverState::Expired,
            (true, _) => WaiverState::Used,
            (_, true) => WaiverState::Unneeded,
            _ => WaiverState::NotJudged,
        }
    }
}

fn recalled(applied: &AppliedWaiver, today: Date) -> Result<Waiver, String> {
    let invalid = || {
        format!("invalid waiver {} in the results: not written by this version of the kit", applied.location)
    };
    let scope = match (&applied.statement, &applied.check) {
        (Some(id), None) => WaiverScope::Statement(id.clone()),
        (None, Some(check)) => super::decode::parse_check(check).ok_or_else(invalid)?,
        _ => return Err(invalid()),
    };
    let expires =
        Date::parse(&applied.expires, format_description!("[year]-[month]-[day]")).map_err(|_| invalid())?;
    Ok(Waiver {
        scope,
        reason: applied.reason.clone(),
        owner: applied.owner.clone(),
        expires,
        is_expired: today > expires,
        location: applied.location.clone(),
    })
}

impl WaiverScope {
    pub(super) fn of_check(subtest: &str, position: CheckPosition) -> Self {
        Self::Check { subtest: subtest.to_owned(), position }
    }
}
