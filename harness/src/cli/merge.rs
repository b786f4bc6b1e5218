//! `harness merge`: merges the results of all shards of a run.

use std::path::{Path, PathBuf};

use clap::Args;

use harness_report::destination::Destination;
use harness_report::exit_code::{ENVIRONMENT, USAGE};
use harness_report::merge::{Part, merge as join};
use harness_report::terminal::summary;

use super::console::Console;
use super::run::{github, write_reports};
use super::{library, stored};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The results.json of each shard
    #[arg(value_name = "RESULTS", required = true)]
    results: Vec<PathBuf>,
    /// Write a report of the merged results, such as junit=PATH; may be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<Destination>,
}

pub(super) fn merge(arguments: &Arguments, scenarios: Option<&Path>, console: &Console) -> u8 {
    attempt(arguments, scenarios, console).unwrap_or_else(|code| code)
}

fn attempt(arguments: &Arguments, scenarios: Option<&Path>, console: &Console) -> Result<u8, u8> {
    let usage = |message: &dyn std::fmt::Display| {
        console.complain(&message.to_string());
        USAGE
    };
    for destination in &arguments.report {
        destination.prepare_of_results().map_err(|error| usage(&error))?;
    }
    let library = library::open(scenarios, console)?.library;
    let mut parts = Vec::new();
    for path in &arguments.results {
        parts.push(Part { name: path.display().to_string(), results: stored::read(path, console)? });
    }
    let results = join(&parts, &library.scenarios, &library.registry).map_err(|error| usage(&error))?;
    let (written, is_complete) = write_reports(&arguments.report, &results, console);
    let look = console.look();
    let code = if results.exit_code == 0 && !is_complete { ENVIRONMENT } else { results.exit_code };
    console.say(&summary(&results, look, &written, code));
    if github::is_here() {
        github::tell(&results, console);
    }
    Ok(code)
}
