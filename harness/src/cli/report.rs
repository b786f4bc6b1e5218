//! `harness report`: creates reports from the results of an earlier run.

use std::path::PathBuf;

use clap::Args;

use harness_report::destination::{Destination, Format};
use harness_report::exit_code::ExitCode;

use super::console::Console;
use super::error::CliError;
use super::run::verify_empty;
use super::{browser, history, stored};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The results.json of the run
    #[arg(value_name = "RESULTS", required_unless_present = "history")]
    results: Option<PathBuf>,
    /// Write one HTML page of the results of all runs below DIR [default: history.html; another with --report html=PATH]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["results", "report_dir"])]
    history: Option<PathBuf>,
    /// Write a report: json, junit, html, markdown, tap or badge; may be repeated
    #[arg(long, value_name = "FORMAT=PATH", required_unless_present_any = ["report_dir", "history"])]
    report: Vec<Destination>,
    /// Write every report format into this folder
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    /// Open the HTML report in the browser
    #[arg(long)]
    open: bool,
}

/// The exit code says whether the reports were written; the run's own is in its results.
pub(super) fn report(arguments: &Arguments, console: &Console) -> Result<ExitCode, CliError> {
    let results = match (&arguments.history, &arguments.results) {
        (None, Some(results)) => stored::read(results)?,
        (Some(folder), _) => return history::history(folder, &arguments.report, arguments.open, console),
        (None, None) => return Err(CliError::NoHistory(PathBuf::from("."))),
    };
    let mut destinations = arguments.report.clone();
    if let Some(folder) = &arguments.report_dir {
        verify_empty(folder)?;
        destinations.extend(Destination::all_in(folder).into_iter().filter(Destination::is_of_results));
    }
    Destination::all_differ(&destinations)?;
    for destination in &destinations {
        destination.prepare_of_results()?;
    }
    let mut exit_code = ExitCode::Conformant;
    for destination in &destinations {
        match destination.write(&results) {
            // Not to standard output, which may be where the report itself is written.
            Ok(()) => console.eprint(&format!("report written to {}\n", destination.path.display())),
            Err(error) => {
                console.error(&error.to_string());
                exit_code = error.exit_code();
            }
        }
    }
    let page = destinations.iter().find(|destination| destination.format == Format::Html);
    if arguments.open
        && let Some(page) = page
    {
        browser::open(&page.path, console);
    }
    Ok(exit_code)
}
