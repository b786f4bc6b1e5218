//! The errors of this crate.

use std::io;

use harness_model::plan::PlanError;
use harness_report::exit_code::ExitCode;
use mock_server::app::StartError;
use mock_server::store::{AddressError, StoreError};

/// The reference cannot be served, or a deviation cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// `--database` names something else than SQLite.
    #[error(
        "unsupported database `{scheme}`\nexpected --database sqlite::memory:, sqlite:PATH or postgres://…"
    )]
    UnsupportedDatabase {
        /// The URL's scheme alone, since the rest may hold a password.
        scheme: String,
    },
    /// Sub-tests cannot share one file.
    #[error(
        "unsupported database `{scheme}` for a run, which makes a database for each sub-test\nexpected --database sqlite::memory: or postgres://…"
    )]
    UnsuitableDatabase { scheme: String },
    #[error("replicas cannot share a database in memory\nname one with --database postgres://…")]
    ReplicasInMemory,
    #[error(transparent)]
    DatabaseAddress(#[from] AddressError),
    #[error(transparent)]
    Database(#[from] StoreError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("unknown deviation `{id}`; {hint}")]
    UnknownDeviation {
        /// The id, family or pattern as given.
        id: String,
        /// "did you mean", or where all are listed.
        hint: String,
    },
    /// The deviation is declared and not implemented.
    #[error("the program does not implement the deviation `{id}`")]
    NotImplemented { id: String },
    /// There is no place for the agent's trigger file.
    #[error(
        "setting up deviation {id} failed: cannot create a temporary folder: {cause}\nset TMPDIR to a writable folder"
    )]
    TriggerFolder { id: String, cause: io::Error },
    #[error("cannot create a folder for the machines: {0}")]
    MachinesFolder(io::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl ReferenceError {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::UnsupportedDatabase { .. }
            | Self::UnsuitableDatabase { .. }
            | Self::ReplicasInMemory
            | Self::DatabaseAddress(_)
            | Self::UnknownDeviation { .. }
            | Self::Plan(_) => ExitCode::Usage,
            Self::Start(_)
            | Self::Database(_)
            | Self::NotImplemented { .. }
            | Self::TriggerFolder { .. }
            | Self::MachinesFolder(_) => ExitCode::Environment,
        }
    }
}
