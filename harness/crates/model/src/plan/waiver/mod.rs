//! Failures that somebody has accepted for a while: `--waivers FILE`.
//!
//! A waiver never hides anything: what it lets through is shown as waived, its statements stay violated, and one
//! that has expired or that nothing needs any more fails the run.

mod decode;
mod state;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::Date;
use time::macros::format_description;

use crate::scenario::model::{Check, Scenario, StatementId};
use crate::source::diagnostic::line;

pub use decode::WaiverFile;
pub use state::{Judged, Seen};

/// The waivers of a run, in the file's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waivers(Vec<Waiver>);

/// One failure that is accepted for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// What it covers.
    pub scope: Scope,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// Whether that day is over.
    pub is_expired: bool,
    /// `FILE:LINE`.
    pub location: String,
}

/// What a waiver covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every check of this statement.
    Statement(StatementId),
    /// Some checks of one sub-test.
    Check {
        /// The sub-test.
        subtest: String,
        /// Which of its checks.
        spot: Spot,
    },
}

/// Where in a sub-test the waived checks are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// The checks that stand on this line of its file.
    Line(usize),
    /// All checks of the step of this name, as the file has it.
    Step(String),
}

/// What became of a waiver in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedWaiver {
    /// The statement that it covers; either this or `check`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The check that it covers, `SUBTEST:LINE` or `SUBTEST/STEP NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Why the failure is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds, `YYYY-MM-DD`.
    pub expires: String,
    /// What became of it.
    pub state: WaiverState,
    /// `FILE:LINE` where it stands.
    pub location: String,
}

/// What became of a waiver in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// Something that it covers failed.
    Used,
    /// Its last day is over: it lets nothing through any more, and fails the run.
    Expired,
    /// Everything that it covers was judged and nothing failed: it fails the run until it is removed.
    Unneeded,
    /// Not all that it covers was judged in this run: nothing can be said.
    NotJudged,
}

impl WaiverState {
    /// Whether the run fails for it.
    pub fn is_stale(self) -> bool {
        matches!(self, Self::Expired | Self::Unneeded)
    }

    /// In words.
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
    /// What it covers, as the file has it.
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
    /// All of them, in the file's order.
    pub fn all(&self) -> &[Waiver] {
        &self.0
    }

    /// The waiver that lets this failure of a sub-test through: one of the check itself, or the first of those
    /// that together cover all its statements. `at` is the line of the failure.
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
            // All of no statements would be every failure of a step without checks.
            let are_all = !statements.is_empty() && statements.iter().all(is_waived);
            valid().find(|waiver| are_all && statements.iter().any(|id| waiver.scope.is_statement(id)))
        })
    }

    /// Whether a waiver covers a check of this sub-test.
    pub fn concern(&self, scenario: &Scenario) -> bool {
        self.0.iter().any(|waiver| waiver.scope.concerns(scenario))
    }
}

impl Waiver {
    /// As reports show it.
    pub fn applied(&self, state: WaiverState) -> AppliedWaiver {
        let (statement, check) = match &self.scope {
            Scope::Statement(id) => (Some(id.clone()), None),
            Scope::Check { subtest, spot: Spot::Line(line) } => (None, Some(format!("{subtest}:{line}"))),
            Scope::Check { subtest, spot: Spot::Step(name) } => (None, Some(format!("{subtest}/{name}"))),
        };
        AppliedWaiver {
            statement,
            check,
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: written(self.expires),
            state,
            location: self.location.clone(),
        }
    }

    /// Whether it covers a failure of that sub-test, alone or together with others.
    pub(super) fn covers(&self, scenario: &Scenario, statements: &[StatementId], at: usize) -> bool {
        self.scope.is_check_at(scenario, at) || statements.iter().any(|id| self.scope.is_statement(id))
    }
}

impl Scope {
    fn is_statement(&self, id: &StatementId) -> bool {
        matches!(self, Self::Statement(covered) if covered == id)
    }

    fn is_check_at(&self, scenario: &Scenario, at: usize) -> bool {
        let Self::Check { subtest, spot } = self else { return false };
        *subtest == scenario.id
            && match spot {
                Spot::Line(line) => checks(scenario)
                    .any(|check| stands_on(scenario, check, *line) && stands_on(scenario, check, at)),
                Spot::Step(name) => step_at(scenario, at)
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

/// `YYYY-MM-DD`.
fn written(date: Date) -> String {
    date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}

fn checks(scenario: &Scenario) -> impl Iterator<Item = &Check> {
    scenario.steps.iter().flat_map(|step| &step.checks)
}

fn stands_on(scenario: &Scenario, check: &Check, at: usize) -> bool {
    let source = &scenario.source;
    (line(source, &check.span)..=line(source, &(check.span.end..check.span.end))).contains(&at)
}

/// The step that a line belongs to: the last that begins at it or before.
fn step_at(scenario: &Scenario, at: usize) -> Option<usize> {
    scenario.steps.iter().rposition(|step| line(&scenario.source, &step.span) <= at)
}

#[cfg(test)]
mod tests;
