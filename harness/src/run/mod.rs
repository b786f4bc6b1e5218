//! Runs a plan and reports its progress as events.

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

/// What all sub-tests of a run share.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The run's id, which distinguishes its names on a shared target from those of other runs.
    pub id: String,
    pub target: Target,
    pub registry: Arc<Registry>,
    /// The number of concurrent sub-tests; at least one.
    pub jobs: usize,
    /// Whether undocumented fields fail a snapshot.
    pub strict: bool,
    /// How new and changed snapshots are treated.
    pub snapshots: Mode,
    /// The time limit of a sub-test.
    pub time_limit: Duration,
    /// An empty folder for the state of machines.
    pub folder: PathBuf,
    /// The key for pseudonyms, if evidence is recorded.
    pub evidence: Option<PseudonymKey>,
}
