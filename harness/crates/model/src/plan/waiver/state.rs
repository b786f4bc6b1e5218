//! What became of each waiver, once it is known what was judged.

use time::Date;
use time::macros::format_description;

use crate::check::outcome::CheckVerdict;
use crate::scenario::model::{Scenario, StatementId};

use super::{AppliedWaiver, Scope, Spot, Waiver, WaiverState, Waivers};

/// A sub-test of the library and what was found in it.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// The sub-test.
    pub scenario: &'a Scenario,
    /// What was judged.
    pub judged: Judged,
    /// Its checks: the line, the statements, the verdict.
    pub checks: Vec<(usize, &'a [StatementId], CheckVerdict)>,
}

/// How much of a sub-test was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// All of it.
    Whole,
    /// Not all of it, or none: it was not selected, or it came to no verdict.
    NotWhole,
    /// It cannot run on this target.
    Never,
}

impl Waivers {
    /// What became of each of them; `seen` are all sub-tests of the library.
    pub fn states(&self, seen: &[Seen<'_>]) -> Vec<AppliedWaiver> {
        self.0.iter().map(|waiver| waiver.applied(waiver.state(seen))).collect()
    }

    /// The waivers that results tell of, as they are on that day.
    ///
    /// # Errors
    /// One that no run of this version can have written.
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
    let unknown = || format!("the waiver of {} is none that this version writes", applied.location);
    let scope = match (&applied.statement, &applied.check) {
        (Some(id), None) => Scope::Statement(id.clone()),
        (None, Some(check)) => super::decode::check_scope(check).ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    let expires =
        Date::parse(&applied.expires, format_description!("[year]-[month]-[day]")).map_err(|_| unknown())?;
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
    /// The parts of `SUBTEST:LINE` or `SUBTEST/STEP NAME`.
    pub(super) fn of_check(subtest: &str, spot: Spot) -> Self {
        Self::Check { subtest: subtest.to_owned(), spot }
    }
}
