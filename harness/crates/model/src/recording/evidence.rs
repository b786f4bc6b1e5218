//! The evidence of a step in the form that bundles store.

use serde::{Deserialize, Serialize};

use crate::check::evidence::{Evidence, Exchange, PageResult, ProcessResult, WireResult};
use crate::judge::{NotExecuted, StepResult};

/// The evidence of a step, or why it has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RecordedEvidence {
    /// HTTP exchanges; more than one in a race.
    Http(Vec<Exchange>),
    Process(ProcessResult),
    /// The result of the kit's own WireGuard peer.
    Wire(WireResult),
    /// What the kit's browser saw of the dashboard.
    Page(Box<PageResult>),
    /// The step has no evidence.
    Nothing,
    /// The step was not carried out.
    #[serde(rename = "undone")]
    NotExecuted(NotExecuted),
}

impl RecordedEvidence {
    /// Converts to the form that checks evaluate.
    pub fn result(&self) -> StepResult {
        Ok(match self.clone() {
            Self::Http(exchanges) => Evidence::Http(exchanges),
            Self::Process(process) => Evidence::Process(process),
            Self::Wire(wire) => Evidence::Wire(wire),
            Self::Page(page) => Evidence::Page(page),
            Self::Nothing => Evidence::Nothing,
            Self::NotExecuted(not_executed) => return Err(not_executed),
        })
    }

    pub(super) fn of(result: &StepResult) -> Self {
        match result.clone() {
            Ok(Evidence::Http(exchanges)) => Self::Http(exchanges),
            Ok(Evidence::Process(process)) => Self::Process(process),
            Ok(Evidence::Wire(wire)) => Self::Wire(wire),
            Ok(Evidence::Page(page)) => Self::Page(page),
            Ok(Evidence::Nothing) => Self::Nothing,
            Err(not_executed) => Self::NotExecuted(not_executed),
        }
    }
}
