//! Validates all inputs before anything runs.

use std::path::Path;
use std::sync::Arc;

use crate::cli::console::Console;
use crate::cli::library::{self, Shelf};
use crate::cli::stored;
use harness_model::plan::{Filter, Plan};
use harness_report::destination::Destination;
use harness_report::exit_code::USAGE;
use harness_report::results::Results;
use harness_runner::targets::Target;

use super::arguments::Arguments;
use super::evidence::Evidence;
use super::reports::destinations;
use super::selection::planned;
use super::target::{logins_can_be_approved, target};

/// The validated inputs of a run.
pub(super) struct Prepared {
    pub(super) baseline: Option<Results>,
    pub(super) shelf: Shelf,
    pub(super) target: Arc<dyn Target>,
    pub(super) plan: Arc<Plan>,
    pub(super) destinations: Vec<Destination>,
    pub(super) evidence: Option<Evidence>,
}

/// Reads everything that the flags refer to.
///
/// # Errors
/// An input is invalid.
pub(super) fn prepare(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<Prepared, u8> {
    let usage = |message: &dyn std::fmt::Display| {
        console.complain(&message.to_string());
        USAGE
    };
    let baseline = arguments.baseline.as_deref().map(|path| stored::read(path, console)).transpose()?;
    let filter = arguments.filter.as_deref().map(Filter::parse).transpose().map_err(|error| usage(&error))?;
    let shelf = library::open(scenarios, console)?;
    let target = target(arguments, console)?;
    let today = time::OffsetDateTime::now_utc().date();
    let plan = Arc::new(planned(arguments, filter, &shelf.library, target.as_ref(), today, console)?);
    logins_can_be_approved(&plan, target.as_ref(), arguments.target.as_deref())
        .map_err(|message| usage(&message))?;
    if arguments.accept && !shelf.is_lasting {
        return Err(usage(
            &"--accept needs a folder of scenarios, and there is no checkout\npass one with --scenarios DIR",
        ));
    }
    let destinations = destinations(arguments).map_err(|message| usage(&message))?;
    for destination in &destinations {
        destination.prepare().map_err(|error| usage(&error))?;
    }
    let evidence = Evidence::begin(arguments, &destinations, &shelf.library, console)?;
    Ok(Prepared { baseline, shelf, target, plan, destinations, evidence })
}
