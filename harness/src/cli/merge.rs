//! `harness merge`: merges the results of all shards of a run.

use std::path::{Path, PathBuf};

use clap::Args;

use harness_report::ReportError;
use harness_report::destination::Destination;
use harness_report::exit_code::ExitCode;
use harness_report::merge::{self, ShardResults};
use harness_report::terminal::{ProcessEnd, summary};

use super::console::Console;
use super::error::CliError;
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

pub(super) fn merge(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    for destination in &arguments.report {
        destination.prepare_of_results()?;
    }
    let library = library::open(scenarios)?.library;
    let mut shards = Vec::new();
    for path in &arguments.results {
        shards.push(ShardResults { file: path.display().to_string(), results: stored::read(path)? });
    }
    let results = merge::merge(&shards, &library.scenarios, &library.registry).map_err(ReportError::Merge)?;
    let written = write_reports(&arguments.report, &results, console);
    let exit_code = written.exit_code(&results);
    let end = ProcessEnd { reports: &written.paths, exit_code, command: "harness" };
    console.print(&summary(&results, console.terminal_options(), end));
    if github::is_active() {
        github::annotate(&results, console);
    }
    Ok(exit_code)
}
