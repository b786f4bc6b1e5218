//! What all sub-tests of a run have in common.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use harness_model::check::snapshot::Mode;
use harness_model::recording::PseudonymKey;
use harness_model::requirement::Registry;

use crate::targets::Target;

/// What all sub-tests of a run have in common.
#[derive(Debug, Clone)]
pub struct Setting {
    /// What tells it from other runs.
    pub id: String,
    /// What it runs against.
    pub target: Arc<dyn Target>,
    /// The documented statements.
    pub registry: Arc<Registry>,
    /// How many sub-tests run at the same time; at least one.
    pub jobs: usize,
    /// Whether undocumented fields fail a snapshot.
    pub strict: bool,
    /// What happens to new snapshots.
    pub snapshots: Mode,
    /// How long a sub-test may take.
    pub time_limit: Duration,
    /// An empty folder for the machines' state.
    pub folder: PathBuf,
    /// If evidence is recorded: what its pseudonyms are made with.
    pub evidence: Option<PseudonymKey>,
}
