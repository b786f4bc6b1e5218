//! What prevents the re-evaluation of a bundle.

use std::io;

use harness_model::plan::FilterError;
use harness_model::plan::waiver::InvalidWaiver;

use crate::line::FORMAT;
use crate::manifest::EXCHANGES;

use super::escape::escaped;

/// The bundle's checks cannot be re-evaluated.
#[derive(Debug, thiserror::Error)]
pub(super) enum Obstacle {
    /// Not the bundle's fault: verification as a whole fails.
    #[error(transparent)]
    Local(#[from] io::Error),

    #[error("{0} is missing")]
    MissingFile(String),
    #[error("reading {name} failed: {cause}")]
    UnreadableFile { name: String, cause: io::Error },
    #[error("invalid scenario path {}", escaped(.0))]
    ScenarioPath(String),
    #[error("invalid scenarios: {}", escaped(.0))]
    Scenarios(String),

    #[error("line {number} of {EXCHANGES} is unreadable: {cause}")]
    UnreadableLine { number: u64, cause: io::Error },
    #[error("line {number} of {EXCHANGES} is truncated")]
    TruncatedLine { number: u64 },
    #[error("line {number} of {EXCHANGES} is invalid: {cause}")]
    InvalidLine { number: u64, cause: serde_json::Error },
    #[error("line {number} of {EXCHANGES} starts the run twice")]
    SecondStart { number: u64 },
    #[error("line {number} of {EXCHANGES} follows the end of the run")]
    AfterEnd { number: u64 },

    #[error("{EXCHANGES} does not start with the start of a run")]
    NoStart,
    #[error("{EXCHANGES} has format version {0}, but this kit reads {FORMAT}")]
    UnsupportedFormat(u32),
    #[error("invalid start time of the run: {0}")]
    StartTime(#[from] time::error::Parse),
    #[error("the scenario of {} is missing", escaped(.0))]
    MissingScenario(String),
    #[error("invalid filter of the run: {0}")]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Waiver(#[from] InvalidWaiver),
}
