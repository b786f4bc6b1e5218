//! What a check is judged with.

use std::path::Path;

use crate::requirement::Registry;
use crate::scenario::template::Variables;

/// What a check is judged with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The variables as they are after the step.
    pub variables: &'a dyn Variables,
    /// The levels of statements.
    pub registry: &'a Registry,
    /// Whether `ours` statements are judged (the target is the reference).
    pub judges_ours: bool,
    /// Where snapshots are, and what happens to new ones.
    pub snapshots: Snapshots<'a>,
}

/// Where snapshots are, and what happens to new ones.
#[derive(Debug, Clone, Copy)]
pub struct Snapshots<'a> {
    /// The sub-test's folder of snapshots.
    pub folder: &'a Path,
    /// What happens where an answer and its snapshot differ, or where there is none.
    pub mode: Mode,
    /// Whether fields that the snapshot lacks fail the check.
    pub strict: bool,
    /// The run's prefix of names (`${run}`), removed before comparing.
    pub run_prefix: &'a str,
}

/// What happens where an answer and its snapshot differ, or where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The check fails and nothing is written.
    Compare,
    /// The check fails and the answer is written beside as `.snap.new`, for review.
    New,
    /// The answer is accepted.
    Accept,
}
