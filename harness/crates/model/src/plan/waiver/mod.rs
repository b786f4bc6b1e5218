//! Waivers: failures that are accepted until a date (`--waivers FILE`).
//!
//! A waiver hides nothing: the failure is reported as waived, its statements stay violated, and a waiver that has
//! expired or is no longer needed fails the run.

mod decode;
mod state;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::Date;
use time::macros::format_description;

use crate::scenario::model::{Check, Scenario, StatementId};
use crate::source::Location;

pub use decode::WaiverFile;
pub use state::{Extent, InvalidWaiver, JudgedCheck, JudgedSubtest};

/// The waivers of a run, in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waivers(Vec<Waiver>);

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

/// The checks that a waiver covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaiverScope {
    /// All checks of a statement.
    Statement(StatementId),
    /// Some checks of a sub-test.
    Check { subtest: String, position: CheckPosition },
}

/// The position of waived checks in a sub-test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckPosition {
    /// The checks on this line of the file.
    Line(usize),
    /// All checks of the step with this name, as written in the file.
    Step(String),
}

/// A waiver and its state after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedWaiver {
    /// The covered statement; either this or `check` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The covered check, as `SUBTEST:LINE` or `SUBTEST/STEP NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Why the failure is accepted.
    pub reason: String,
    /// Who is responsible for it.
    pub owner: String,
    /// The last valid day, `YYYY-MM-DD`.
    pub expires: String,
    /// The state after the run.
    pub state: WaiverState,
    /// The waiver in its file.
    pub location: Location,
}

/// The state of a waiver after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// A covered check failed.
    Used,
    /// The last valid day has passed: it covers nothing and fails the run.
    Expired,
    /// All covered checks were judged and none failed: it fails the run until it is removed.
    Unneeded,
    /// Not all covered checks were judged in this run.
    NotJudged,
}

impl WaiverState {
    /// Returns whether the waiver fails the run.
    pub fn is_stale(self) -> bool {
        matches!(self, Self::Expired | Self::Unneeded)
    }

    /// Returns the state as shown in reports.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Unneeded => "no longer needed",
            Self::NotJudged => "not judged in this run",
        }
    }
}

impl AppliedWaiver {
    /// Returns what the waiver covers, as written in the file.
    pub fn covers(&self) -> &str {
        self.statement.as_deref().or(self.check.as_deref()).unwrap_or_default()
    }
}

impl std::fmt::Display for AppliedWaiver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reason, owner, expires, location, .. } = self;
        write!(formatter, "{}: {reason} ({owner}, until {expires}; {location})", self.covers())
    }
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

impl WaiverScope {
    fn is_statement(&self, id: &StatementId) -> bool {
        matches!(self, Self::Statement(covered) if covered == id)
    }

    fn is_check_at(&self, scenario: &Scenario, at: usize) -> bool {
        let Self::Check { subtest, position } = self else { return false };
        *subtest == scenario.id
            && match position {
                CheckPosition::Line(line) => checks(scenario)
                    .any(|check| is_on_line(scenario, check, *line) && is_on_line(scenario, check, at)),
                CheckPosition::Step(name) => step_at(scenario, at)
                    .is_some_and(|at| scenario.steps.get(at).is_some_and(|step| step.name.text == *name)),
            }
    }

    pub(super) fn concerns(&self, scenario: &Scenario) -> bool {
        match self {
            Self::Statement(id) => scenario.statements().any(|judged| judged == id),
            Self::Check { subtest, .. } => *subtest == scenario.id,
        }
    }
}

fn format_date(date: Date) -> String {
    date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

fn checks(scenario: &Scenario) -> impl Iterator<Item = &Check> {
    scenario.steps.iter().flat_map(|step| &step.checks)
}

fn is_on_line(scenario: &Scenario, check: &Check, at: usize) -> bool {
    let source = &scenario.source;
    (source.line(&check.span)..=source.line(&(check.span.end..check.span.end))).contains(&at)
}

/// Returns the index of the step that contains a line: the last step that starts at or before it.
fn step_at(scenario: &Scenario, at: usize) -> Option<usize> {
    scenario.steps.iter().rposition(|step| scenario.source.line(&step.span) <= at)
}

#[cfg(test)]
mod tests;
