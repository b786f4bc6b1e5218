//! `harness report`: creates reports from the results of an earlier run.

use std::path::PathBuf;

use clap::Args;

use harness_report::destination::Destination;
use harness_report::exit_code::{ENVIRONMENT, USAGE};

use super::console::Console;
use super::run::empty;
use super::stored;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The results.json of the run
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
    /// Write a report: json, junit, html, markdown, tap or badge; may be repeated
    #[arg(long, value_name = "FORMAT=PATH", required_unless_present = "report_dir")]
    report: Vec<Destination>,
    /// Write every report format into this folder
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
}

/// The exit code says whether the reports were written; the run's own is in its results.
pub(super) fn report(arguments: &Arguments, console: &Console) -> u8 {
    let results = match stored::read(&arguments.results, console) {
        Ok(results) => results,
        Err(code) => return code,
    };
    let mut destinations = arguments.report.clone();
    let folder = match arguments.report_dir.as_deref().map(empty).transpose() {
        Ok(folder) => folder,
        Err(message) => {
            console.complain(&message);
            return USAGE;
        }
    };
    let all = folder.iter().flat_map(|folder| Destination::all_in(folder));
    destinations.extend(all.filter(Destination::is_of_results));
    for destination in &destinations {
        if let Err(error) = destination.prepare_of_results() {
            console.complain(&error.to_string());
            return USAGE;
        }
    }
    let mut code = 0;
    for destination in &destinations {
        match destination.write(&results) {
            // Not to standard output, which may be where the report itself is written.
            Ok(()) => console.show(&format!("report written to {}\n", destination.path.display())),
            Err(error) => {
                console.complain(&error.to_string());
                code = ENVIRONMENT;
            }
        }
    }
    code
}
