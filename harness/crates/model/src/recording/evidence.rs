//! The evidence of a step in the form that bundles store.

use serde::{Deserialize, Serialize};

use crate::check::evidence::{Evidence, Exchange, ProcessResult, WireResult};
use crate::judge::{Done, Undone};

/// The evidence of a step, or why it has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RecordedEvidence {
    /// HTTP exchanges; more than one in a race.
    Http(Vec<Exchange>),
    Process(ProcessResult),
    /// The result of the kit's own WireGuard peer.
    Wire(WireResult),
    /// The step has no evidence.
    Nothing,
    /// The step was not carried out.
    Undone(Undone),
}

impl RecordedEvidence {
    /// Converts to the form that checks evaluate.
    pub fn done(&self) -> Done {
        Ok(match self.clone() {
            Self::Http(exchanges) => Evidence::Http(exchanges),
            Self::Process(process) => Evidence::Process(process),
            Self::Wire(wire) => Evidence::Wire(wire),
            Self::Nothing => Evidence::Nothing,
            Self::Undone(undone) => return Err(undone),
        })
    }

    pub(super) fn of(done: &Done) -> Self {
        match done.clone() {
            Ok(Evidence::Http(exchanges)) => Self::Http(exchanges),
            Ok(Evidence::Process(process)) => Self::Process(process),
            Ok(Evidence::Wire(wire)) => Self::Wire(wire),
            Ok(Evidence::Nothing) => Self::Nothing,
            Err(undone) => Self::Undone(undone),
        }
    }
}
