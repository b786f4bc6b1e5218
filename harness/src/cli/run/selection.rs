//! Reads from the flags what is selected.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::{stored, waivers};
use harness_model::event::SubtestVerdict;
use harness_model::library::Library;
use harness_model::plan::waiver::Waivers;
use harness_model::plan::{Filter, Plan, Selection, plan};
use harness_model::text::counted;
use harness_report::results::SubtestResult;
use harness_runner::targets::Target;

use super::arguments::Arguments;

/// Output of runs, unless --report-dir names another folder.
const REPORTS: &str = "reports";

/// Returns what the flags select.
pub(super) fn selection(
    arguments: &Arguments,
    filter: Option<Filter>,
    library: &Library,
    console: &Console,
) -> Result<Selection, CliError> {
    let seed = arguments.shuffle.map(|seed| seed.unwrap_or_else(rand::random));
    if let Some(seed) = seed {
        console.print(&format!("order: --shuffle {seed}\n"));
    }
    let today = time::OffsetDateTime::now_utc().date();
    let waivers = match &arguments.waivers {
        Some(path) => waivers::read(path, library, today)?,
        None => Waivers::default(),
    };
    Ok(Selection {
        suites: arguments.suite.clone(),
        filter,
        only: failed_before(arguments, library, console)?,
        shard: arguments.shard,
        shuffle: seed,
        repeat: arguments.repeat.get(),
        max_fail: arguments.max_fail,
        waivers: Arc::new(waivers),
        waits: arguments.waits(),
    })
}

/// Plans what is selected on this target, as far as it is known.
pub(in crate::cli) fn build_plan(
    selection: &Selection,
    library: &Library,
    target: &dyn Target,
) -> Result<Arc<Plan>, CliError> {
    let plan = plan(&library.scenarios, &library.registry, selection, &target.facts())?;
    Ok(Arc::new(plan))
}

/// Returns the sub-tests that failed or ended in an error in an earlier run, if `--rerun-failed` is given.
fn failed_before(
    arguments: &Arguments,
    library: &Library,
    console: &Console,
) -> Result<Option<BTreeSet<String>>, CliError> {
    let Some(path) = &arguments.rerun_failed else { return Ok(None) };
    let path = path.clone().or_else(|| newest(Path::new(REPORTS))).ok_or(CliError::NoResults(REPORTS))?;
    let results = stored::read(&path)?;
    let has_failed = |subtest: &&SubtestResult| {
        subtest.is_not_run() || matches!(subtest.verdict, SubtestVerdict::Fail | SubtestVerdict::Error)
    };
    let failed = results.subtests.iter().filter(has_failed);
    let (known, gone): (BTreeSet<String>, BTreeSet<String>) = failed
        .map(|subtest| subtest.id.clone())
        .partition(|id| library.scenarios.iter().any(|scenario| scenario.id == *id));
    for id in gone {
        console.warn(&format!("{id} failed in {}, but no longer exists", path.display()));
    }
    if known.is_empty() {
        return Err(CliError::NothingToRerun(path));
    }
    console.print(&format!("rerunning {} from {}\n", counted(known.len(), "sub-test"), path.display()));
    Ok(Some(known))
}

/// Returns the latest results.json in the folder or one directly below it.
fn newest(folder: &Path) -> Option<PathBuf> {
    let below = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path().join("results.json"));
    let written = |path: PathBuf| Some((path.metadata().ok()?.modified().ok()?, path));
    below.chain([folder.join("results.json")]).filter_map(written).max().map(|(_, path)| path)
}
