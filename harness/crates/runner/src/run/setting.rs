//! The settings of a run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use harness_model::check::snapshot::SnapshotMode;
use harness_model::recording::PseudonymKey;
use harness_model::requirement::Registry;

use crate::browser::Browsers;
use crate::run::turn::Turn;
use crate::targets::Target;

/// The steps whose exchanges and output the events of a run contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// None of them: only verdicts are asked for.
    Verdicts,
    /// Those with a check that does not hold: reports show no others.
    FailedSteps,
    AllSteps,
}

/// What all sub-tests of a run share.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// The run's id, which distinguishes its names on a shared target from those of other runs.
    pub id: String,
    pub target: Arc<dyn Target>,
    pub registry: Arc<Registry>,
    /// The number of concurrent sub-tests; at least one.
    pub jobs: usize,
    /// Whether undocumented fields fail a snapshot.
    pub strict: bool,
    /// How new and changed snapshots are treated.
    pub snapshots: SnapshotMode,
    /// The time limit of a sub-test.
    pub time_limit: Duration,
    /// An empty folder for the state of machines.
    pub folder: PathBuf,
    /// The browsers for steps in a dashboard.
    pub browsers: Arc<Browsers>,
    /// Whether a picture is taken of a page on which a step failed.
    pub pictures: bool,
    pub detail: Detail,
    /// The key for pseudonyms, if evidence is recorded.
    pub evidence: Option<PseudonymKey>,
    /// What this run holds of a machine that it shares with others.
    pub turn: Turn,
}
