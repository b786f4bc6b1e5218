//! The inputs of a check besides the evidence.

use std::path::Path;

use crate::requirement::Registry;
use crate::scenario::template::Variables;
use crate::secret::Secrets;
use crate::target::RefusalPointers;

/// The inputs of a check besides the evidence.
#[derive(Clone, Copy)]
pub struct CheckContext<'a> {
    /// The variables after the step.
    pub variables: &'a dyn Variables,
    pub registry: &'a Registry,
    /// Whether `ours` statements are judged: only on the reference.
    pub judges_ours: bool,
    /// Where refusals have their code and message.
    pub refusal: &'a RefusalPointers,
    pub snapshots: SnapshotSettings<'a>,
    /// What no message and no snapshot may contain.
    pub secrets: &'a Secrets,
}

/// How snapshots are compared and updated.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotSettings<'a> {
    /// The folder of the sub-test's snapshots.
    pub folder: &'a Path,
    pub mode: SnapshotMode,
    /// Whether undocumented fields fail the check.
    pub strict: bool,
    /// The run's name prefix (`${run}`), removed before comparing.
    pub run_prefix: &'a str,
}

/// What happens if a response differs from its snapshot, or if there is no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotMode {
    Compare,
    /// The check fails, and the response is written to a `.snap.new` file for review.
    New,
    /// The response becomes the snapshot.
    Accept,
}
