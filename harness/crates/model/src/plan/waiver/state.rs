//! Determines the state of each waiver after a run.

use time::Date;
use time::macros::format_description;

use crate::check::outcome::CheckVerdict;
use crate::scenario::model::{Scenario, StatementId};

use super::{AppliedWaiver, Scope, Spot, Waiver, WaiverState, Waivers};

/// A sub-test and the verdicts of its checks.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    pub scenario: &'a Scenario,
    pub judged: Judged,
    /// Line, statements and verdict of each check.
    pub checks: Vec<(usize, &'a [StatementId], CheckVerdict)>,
}

/// How much of a sub-test was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// All checks.
    Whole,
    /// Not all checks, or none: it was not selected or has no verdict.
    NotWhole,
    /// None, because it cannot run on this target.
    Never,
}

impl Waivers {
    /// Returns the state of each waiver, given all sub-tests of the library.
    pub fn states(&self, seen: &[Seen<'_>]) -> Vec<AppliedWaiver> {
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
    fn state(&self, seen: &[Seen<'_>]) -> WaiverState {
        let (mut failed, mut held, mut is_whole) = (false, false, true);
        for seen in seen.iter().filter(|seen| self.scope.concerns(seen.scenario)) {
            is_whole &= seen.judged != Judged::NotWhole;
            for (at, statements, verdict) in &seen.checks {
                if self.covers(seen.scenario, statements, *at) {
                    failed |= matches!(verdict, CheckVerdict::Fail | CheckVerdict::Waived);
                    held |= *verdict == CheckVerdict::Pass;
                    is_whole &= *verdict != CheckVerdict::Error;
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
        (Some(id), None) => Scope::Statement(id.clone()),
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

impl Scope {
    pub(super) fn of_check(subtest: &str, spot: Spot) -> Self {
        Self::Check { subtest: subtest.to_owned(), spot }
    }
}
