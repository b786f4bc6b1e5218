//! Runs a plan and tells what happens, as events.

mod cleanup;
pub mod event;
pub mod judge;
mod ledger;
mod name;
mod preparation;
pub mod recording;
mod repeat;
mod scheduler;
pub mod secret;
mod stop;
mod subtest;
mod sweep;
mod walk;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::check::snapshot::Mode;
use crate::requirement::Registry;
use crate::run::recording::PseudonymKey;
use crate::target::Target;

pub use name::new_id;
pub use scheduler::run;
pub use stop::{Stop, Stopper, stop};

/// What all sub-tests of a run have in common.
#[derive(Debug, Clone)]
pub struct Setting {
    /// What tells it from other runs.
    pub id: String,
    /// What it runs against.
    pub target: Target,
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
