//! Validates all inputs before anything runs.

use std::path::Path;
use std::sync::Arc;

use harness_model::plan::{Filter, Selection};
use harness_report::destination::Destination;
use harness_report::results::Results;
use harness_runner::targets::{ProfileNeeds, Target};

use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::library::{self, LoadedLibrary};
use crate::cli::stored;

use super::arguments::Arguments;
use super::evidence::Evidence;
use super::reports::destinations;
use super::selection::{build_plan, selection};
use super::target::{target, verify_logins};

/// The validated inputs of a run.
pub(super) struct Prepared {
    pub(super) baseline: Option<Results>,
    pub(super) loaded: LoadedLibrary,
    pub(super) target: Arc<dyn Target>,
    pub(super) selection: Selection,
    /// What the selected sub-tests need of the profile.
    pub(super) needs: ProfileNeeds,
    pub(super) destinations: Vec<Destination>,
    pub(super) evidence: Option<Evidence>,
}

/// Reads everything that the flags refer to.
pub(super) fn prepare(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<Prepared, CliError> {
    let baseline = arguments.baseline.as_deref().map(stored::read).transpose()?;
    let filter = arguments.filter.as_deref().map(Filter::parse).transpose()?;
    let loaded = library::open(scenarios)?;
    let target = target(arguments, console)?;
    let selection = selection(arguments, filter, &loaded.library, console)?;
    // Provisional: the target has not been asked yet what it lacks.
    let plan = build_plan(&selection, &loaded.library, target.as_ref())?;
    verify_logins(&plan, target.as_ref(), arguments.target.as_deref())?;
    if (arguments.accept || arguments.is_review) && !loaded.is_persistent {
        return Err(CliError::NothingToAccept);
    }
    let destinations = destinations(arguments)?;
    for destination in &destinations {
        destination.prepare()?;
    }
    let evidence = Evidence::begin(arguments, &destinations, &loaded.library)?;
    let needs = ProfileNeeds::of(&plan, &loaded.library.registry);
    Ok(Prepared { baseline, loaded, target, selection, needs, destinations, evidence })
}
