//! Determines the state of each waiver after a run.

use time::Date;
use time::macros::format_description;

use crate::check::outcome::{CheckVerdict, Unevaluated};
use crate::scenario::model::{Scenario, StatementId};
use crate::source::Location;

use super::applied::{AppliedWaiver, WaiverState};
use super::scope::WaiverScope;
use super::waivers::{Waiver, Waivers};

/// A sub-test and the verdicts of its checks.
#[derive(Debug, Clone)]
pub struct JudgedSubtest<'a> {
    pub scenario: &'a Scenario,
    pub extent: Extent,
    pub checks: Vec<JudgedCheck<'a>>,
}

/// The verdict of a check, for the waivers that cover it.
#[derive(Debug, Clone, Copy)]
pub struct JudgedCheck<'a> {
    /// The line in the scenario file.
    pub line: usize,
    pub statements: &'a [StatementId],
    pub verdict: CheckVerdict,
    /// What is wrong, or why the check was not judged.
    pub message: &'a str,
    pub unevaluated: Option<&'a Unevaluated>,
}

/// A waiver in a results file that this version of the kit did not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid waiver {0} in the results: not written by this version of the kit")]
pub struct InvalidWaiver(Location);

/// How much of a sub-test was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Complete,
    /// Not all checks, or none: it was not selected or has no verdict.
    Incomplete,
    /// None, because it cannot run on this target.
    Impossible,
}

impl Waivers {
    /// Returns the state of each waiver, given all sub-tests of the library.
    pub fn states(&self, subtests: &[JudgedSubtest<'_>]) -> Vec<AppliedWaiver> {
        self.0.iter().map(|waiver| waiver.applied(waiver.state(subtests))).collect()
    }

    /// Restores waivers from results, with their expiry as of `today`.
    ///
    /// # Errors
    /// A waiver is not in the format of this version.
    pub fn restore(applied: &[AppliedWaiver], today: Date) -> Result<Self, InvalidWaiver> {
        applied.iter().map(|applied| restore(applied, today)).collect::<Result<_, _>>().map(Self)
    }
}

impl Waiver {
    fn state(&self, subtests: &[JudgedSubtest<'_>]) -> WaiverState {
        let (mut failed, mut passed, mut is_complete) = (false, false, true);
        for subtest in subtests.iter().filter(|subtest| self.scope.concerns(subtest.scenario)) {
            is_complete &= subtest.extent != Extent::Incomplete;
            for check in &subtest.checks {
                if self.covers(subtest.scenario, check.statements, check.line) {
                    failed |= matches!(check.verdict, CheckVerdict::Fail | CheckVerdict::Waived);
                    passed |= check.verdict == CheckVerdict::Pass;
                    is_complete &= check.verdict != CheckVerdict::Error;
                }
            }
        }
        match (failed, passed && is_complete) {
            (true, _) | (_, true) if self.is_expired => WaiverState::Expired,
            (true, _) => WaiverState::Used,
            (_, true) => WaiverState::Unneeded,
            _ => WaiverState::NotJudged,
        }
    }
}

fn restore(applied: &AppliedWaiver, today: Date) -> Result<Waiver, InvalidWaiver> {
    let invalid = || InvalidWaiver(applied.location.clone());
    let scope = match (&applied.statement, &applied.check) {
        (Some(id), None) => WaiverScope::Statement(id.clone()),
        (None, Some(check)) => WaiverScope::parse_check(check).ok_or_else(invalid)?,
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
