//! Validates all inputs before anything runs.

use std::path::Path;
use std::sync::Arc;

use harness_model::library::Library;
use harness_model::plan::{Filter, Selection};
use harness_report::destination::Destination;
use harness_report::results::Results;
use harness_runner::browser;
use harness_runner::targets::{ProfileNeeds, Target};

use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::library::{self, LoadedLibrary};
use crate::cli::{names, stored};

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

/// Returns what `--filter` and the sub-tests named without a flag select together.
///
/// # Errors
/// A word is neither a command nor anything that a filter could select, or the filter is invalid.
fn filter(arguments: &Arguments, library: &Library) -> Result<Option<Filter>, CliError> {
    for word in &arguments.subtests {
        names::verify_subtest(word, &arguments.commands, library)?;
    }
    let named = (!arguments.subtests.is_empty()).then(|| arguments.subtests.join(", "));
    let text = match (named, arguments.filter.clone()) {
        (Some(named), Some(filter)) => Some(format!("({named}) & ({filter})")),
        (named, filter) => named.or(filter),
    };
    Ok(text.as_deref().map(Filter::parse).transpose()?)
}

/// Reads everything that the flags refer to.
pub(super) async fn prepare(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<Prepared, CliError> {
    if let Some(url) = &arguments.webdriver {
        browser::use_webdriver(url.clone());
    }
    let baseline = arguments.baseline.as_deref().map(stored::read).transpose()?;
    let loaded = library::open(scenarios)?;
    let filter = filter(arguments, &loaded.library)?;
    let target = target(arguments, console).await?;
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
