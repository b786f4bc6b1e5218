//! The waivers of a run.

use time::Date;
use time::macros::format_description;

use crate::requirement::StatementId;
use crate::scenario::model::Scenario;
use crate::source::Location;

use super::applied::{AppliedWaiver, WaiverState};
use super::scope::{CheckPosition, WaiverScope};

/// The waivers of a run, in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waivers(pub(super) Vec<Waiver>);

/// A failure that is accepted until a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    pub scope: WaiverScope,
    pub reason: String,
    pub owner: String,
    /// The last valid day.
    pub expires: Date,
    pub is_expired: bool,
    /// The waiver in its file.
    pub location: Location,
}

impl Waivers {
    /// Returns all waivers in file order.
    pub fn all(&self) -> &[Waiver] {
        &self.0
    }

    /// Returns the waiver that covers a failed check on the line `at`: a waiver of the check itself, or the first of
    /// the waivers that together cover all its statements.
    pub fn letting_through(
        &self,
        scenario: &Scenario,
        statements: &[StatementId],
        at: usize,
    ) -> Option<&Waiver> {
        let valid = || self.0.iter().filter(|waiver| !waiver.is_expired);
        let of_check = valid().find(|waiver| waiver.scope.is_check_at(scenario, at));
        let is_waived = |id: &StatementId| valid().any(|waiver| waiver.scope.is_statement(id));
        of_check.or_else(|| {
            // `all` is true for no statements, which would waive every failure of a step without checks.
            let are_all = !statements.is_empty() && statements.iter().all(is_waived);
            valid().find(|waiver| are_all && statements.iter().any(|id| waiver.scope.is_statement(id)))
        })
    }

    /// Returns whether any waiver covers a check of the sub-test.
    pub fn concern(&self, scenario: &Scenario) -> bool {
        self.0.iter().any(|waiver| waiver.scope.concerns(scenario))
    }
}

impl Waiver {
    /// Returns the waiver as shown in reports.
    pub fn applied(&self, state: WaiverState) -> AppliedWaiver {
        let (statement, check) = match &self.scope {
            WaiverScope::Statement(id) => (Some(id.clone()), None),
            WaiverScope::Check { subtest, position: CheckPosition::Line(line) } => {
                (None, Some(format!("{subtest}:{line}")))
            }
            WaiverScope::Check { subtest, position: CheckPosition::Step(name) } => {
                (None, Some(format!("{subtest}/{name}")))
            }
        };
        AppliedWaiver {
            statement,
            check,
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: format_date(self.expires),
            state,
            location: self.location.clone(),
        }
    }

    /// Returns whether it covers a check of the sub-test, alone or together with other waivers.
    pub(super) fn covers(&self, scenario: &Scenario, statements: &[StatementId], at: usize) -> bool {
        self.scope.is_check_at(scenario, at) || statements.iter().any(|id| self.scope.is_statement(id))
    }
}

fn format_date(date: Date) -> String {
    date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}
