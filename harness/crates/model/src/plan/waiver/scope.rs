//! The checks that a waiver covers.

use crate::requirement::StatementId;
use crate::scenario::model::{Check, Scenario};

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

impl WaiverScope {
    /// Parses `SUBTEST:LINE` or `SUBTEST/STEP NAME`, where a sub-test is `CHAPTER/NAME`.
    pub(super) fn parse_check(text: &str) -> Option<Self> {
        let (chapter, rest) = text.split_once('/')?;
        let end = rest.find(['/', ':'])?;
        let (stem, position) = (rest.get(..end)?, rest.get(end + 1..)?);
        let position = match rest.get(end..=end)? {
            ":" => CheckPosition::Line(position.parse().ok()?),
            _ => CheckPosition::Step(position.to_owned()),
        };
        (!chapter.is_empty() && !stem.is_empty())
            .then(|| Self::Check { subtest: format!("{chapter}/{stem}"), position })
    }

    pub(super) fn is_statement(&self, id: &StatementId) -> bool {
        matches!(self, Self::Statement(covered) if covered == id)
    }

    pub(super) fn is_check_at(&self, scenario: &Scenario, at: usize) -> bool {
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

pub(super) fn checks(scenario: &Scenario) -> impl Iterator<Item = &Check> {
    scenario.steps.iter().flat_map(|step| &step.checks)
}

pub(super) fn is_on_line(scenario: &Scenario, check: &Check, at: usize) -> bool {
    let source = &scenario.source;
    (source.line(&check.span)..=source.line(&(check.span.end..check.span.end))).contains(&at)
}

/// Returns the index of the step that contains a line: the last step that starts at or before it.
fn step_at(scenario: &Scenario, at: usize) -> Option<usize> {
    scenario.steps.iter().rposition(|step| scenario.source.line(&step.span) <= at)
}
