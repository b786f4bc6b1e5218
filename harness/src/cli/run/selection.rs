//! Builds the plan from the flags.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::Date;

use crate::cli::console::Console;
use crate::cli::stored;
use harness_model::event::SubtestVerdict;
use harness_model::plan::waiver::Waivers;
use harness_model::plan::{Filter, Plan, PlanError, Selection, plan};
use harness_model::scenario::Library;
use harness_model::text::counted;
use harness_report::exit_code::{NOTHING_SELECTED, USAGE};
use harness_runner::targets::Target;

use super::arguments::Arguments;

/// Output of runs, unless --report-dir names another folder.
const REPORTS: &str = "reports";

/// Builds the plan of what the flags select on this target. `today` decides which waivers are expired.
pub(super) fn planned(
    arguments: &Arguments,
    filter: Option<Filter>,
    library: &Library,
    target: &dyn Target,
    today: Date,
    console: &Console,
) -> Result<Plan, u8> {
    let seed = arguments.shuffle.map(|seed| seed.unwrap_or_else(rand::random));
    if let Some(seed) = seed {
        console.say(&format!("order: --shuffle {seed}\n"));
    }
    let waivers = match &arguments.waivers {
        Some(path) => crate::cli::waivers::read(path, library, today, console)?,
        None => Waivers::default(),
    };
    let selection = Selection {
        suites: arguments.suite.clone(),
        filter,
        only: failed_before(arguments, library, console)?,
        shard: arguments.shard,
        shuffle: seed,
        repeat: arguments.repeat.get(),
        max_fail: arguments.max_fail,
        waivers: Arc::new(waivers),
    };
    plan(&library.scenarios, &library.registry, &selection, &target.facts()).map_err(|error| {
        console.complain(&error.to_string());
        match error {
            PlanError::UnknownSuite { .. } => USAGE,
            PlanError::NothingSelected(_) => NOTHING_SELECTED,
        }
    })
}

/// Returns the sub-tests that failed or ended in an error in an earlier run, if `--rerun-failed` is given.
fn failed_before(
    arguments: &Arguments,
    library: &Library,
    console: &Console,
) -> Result<Option<BTreeSet<String>>, u8> {
    let Some(path) = &arguments.rerun_failed else { return Ok(None) };
    let path = match path.clone().or_else(|| newest(Path::new(REPORTS))) {
        Some(path) => path,
        None => {
            console.complain(&format!(
                "no results.json found below {REPORTS}\npass one with --rerun-failed FILE"
            ));
            return Err(USAGE);
        }
    };
    let results = stored::read(&path, console)?;
    let is_bad = |verdict| matches!(verdict, SubtestVerdict::Fail | SubtestVerdict::Error);
    let bad = results.subtests.iter().filter(|subtest| is_bad(subtest.verdict));
    let (known, gone): (BTreeSet<String>, BTreeSet<String>) = bad
        .map(|subtest| subtest.id.clone())
        .partition(|id| library.scenarios.iter().any(|scenario| scenario.id == *id));
    for id in gone {
        console.warn(&format!("{id} failed in {}, but no longer exists", path.display()));
    }
    if known.is_empty() {
        console.complain(&format!("no failures to rerun in {}", path.display()));
        return Err(NOTHING_SELECTED);
    }
    console.say(&format!("rerunning {} from {}\n", counted(known.len(), "sub-test"), path.display()));
    Ok(Some(known))
}

/// Returns the latest results.json in the folder or one directly below it.
fn newest(folder: &Path) -> Option<PathBuf> {
    let below = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path().join("results.json"));
    let written = |path: PathBuf| Some((path.metadata().ok()?.modified().ok()?, path));
    below.chain([folder.join("results.json")]).filter_map(written).max().map(|(_, path)| path)
}
