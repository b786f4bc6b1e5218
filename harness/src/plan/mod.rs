//! Which sub-tests run, which are skipped, and why.

use std::sync::Arc;

use crate::scenario::model::Scenario;

/// What a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The selected sub-tests, in the order in which they are reported.
    pub subtests: Vec<PlannedSubtest>,
}

/// One sub-test of a plan.
#[derive(Debug, Clone)]
pub struct PlannedSubtest {
    /// What it does.
    pub scenario: Arc<Scenario>,
    /// Whether it runs.
    pub disposition: Disposition,
    /// Whether checks on `ours` statements are judged (the target is the reference).
    pub judges_ours: bool,
}

/// Whether a sub-test runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It runs.
    Run,
    /// It does not, for this reason.
    Skip(String),
}
