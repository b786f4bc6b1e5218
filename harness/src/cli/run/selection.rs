//! From flags to a plan.

use crate::cli::console::Console;
use crate::plan::{Filter, Plan, PlanError, Selection, plan};
use crate::report::exit_code::{NOTHING_SELECTED, USAGE};
use crate::scenario::Library;
use crate::target::Target;

use super::arguments::Arguments;

/// What the flags select on this target, each repetition after the other.
pub(super) fn planned(
    arguments: &Arguments,
    filter: Option<Filter>,
    library: &Library,
    target: &Target,
    console: &Console,
) -> Result<Plan, u8> {
    let seed = arguments.shuffle.map(|seed| seed.unwrap_or_else(rand::random));
    if let Some(seed) = seed {
        console.say(&format!("order: --shuffle {seed}\n"));
    }
    let mut selection =
        Selection { suites: arguments.suite.clone(), filter, shard: arguments.shard, shuffle: seed };
    let facts = target.facts();
    let mut whole = Plan { subtests: Vec::new() };
    for repetition in 0..arguments.repeat.get() {
        // Each repetition in an order of its own, which the one seed brings back.
        selection.shuffle = seed.map(|seed| seed.wrapping_add(repetition.into()));
        let once = plan(&library.scenarios, &library.registry, &selection, &facts).map_err(|error| {
            console.complain(&error.to_string());
            match error {
                PlanError::UnknownSuite { .. } => USAGE,
                PlanError::NothingSelected(_) => NOTHING_SELECTED,
            }
        })?;
        whole.subtests.extend(once.subtests);
    }
    Ok(whole)
}
