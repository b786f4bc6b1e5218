//! The errors of this crate.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::exit_code::ExitCode;
use crate::merge::MergeError;

/// A report cannot be created, or results cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("invalid report `{0}`: expected FORMAT=PATH, such as junit=reports/junit.xml")]
    InvalidDestination(String),
    #[error("unknown report format `{format}`: {hint}")]
    UnknownFormat { format: String, hint: String },
    /// The format needs more than the results of a finished run.
    #[error("evidence can only be recorded during a run\nuse `harness --report evidence=PATH`")]
    NeedsRun,
    /// Found out before the run.
    #[error("cannot write report {}: {cause}", path.display())]
    NotWritable { path: PathBuf, cause: io::Error },
    #[error("two reports are written to the same file: {} and {}", first.display(), second.display())]
    SameFile { first: PathBuf, second: PathBuf },
    #[error("writing report {} failed: {cause}", path.display())]
    Write { path: PathBuf, cause: Box<dyn Error + Send + Sync> },
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error("invalid fixtures/{file}: {cause}")]
    InvalidCatalogue { file: &'static str, cause: toml::de::Error },
    #[error("invalid fixtures/kill-matrix.json: {0}\n`harness selftest --write-matrix` creates it")]
    InvalidMatrix(serde_json::Error),
}

impl ReportError {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Write { .. } => ExitCode::Environment,
            _ => ExitCode::Usage,
        }
    }
}
