//! Which sub-tests run, which are skipped, and why.

pub mod filter;
mod selection;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::requirement::Registry;
use crate::scenario::model::{Capability, Scenario};

pub use filter::{Filter, FilterError};
pub use selection::{Selection, Shard};

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

/// What the plan has to know about the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFacts {
    /// Its name in reasons.
    pub name: String,
    /// What it declares to be able to do.
    pub capabilities: BTreeSet<Capability>,
    /// Whether it is the reference, so that `ours` statements are judged.
    pub is_reference: bool,
}

/// Nothing can be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A suite that the kit does not have: a usage error (exit 2).
    #[error("there is no suite `{name}`{hint}; there are: {known}")]
    UnknownSuite {
        /// As it was given.
        name: String,
        /// `, did you mean …?`, or nothing.
        hint: String,
        /// All there are.
        known: String,
    },
    /// No sub-test is selected (exit 4).
    #[error("{0}")]
    NothingSelected(String),
}

/// Decides what runs on this target.
///
/// # Errors
/// A suite does not exist, or nothing is selected.
pub fn plan(
    scenarios: &[Arc<Scenario>],
    registry: &Registry,
    selection: &Selection,
    target: &TargetFacts,
) -> Result<Plan, PlanError> {
    let _ = (scenarios, registry, selection, target);
    Err(PlanError::NothingSelected("there is nothing to run".to_owned()))
}
