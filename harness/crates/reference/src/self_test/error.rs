//! Why deviations could not be tried.

use std::io;

use harness_model::plan::PlanError;

use crate::active_deviation::SetupError;

/// A run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    #[error("cannot create a folder for the machines: {0}")]
    Folder(#[from] io::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// A deviation could not be tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrialError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Round(#[from] RoundError),
}
