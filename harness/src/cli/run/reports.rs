//! Where the reports of a run go.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::console::Console;
use crate::report::destination::{Destination, Format};
use crate::report::results::Results;

use super::arguments::Arguments;

/// Every report that the flags ask for.
pub(super) fn destinations(arguments: &Arguments) -> Vec<Destination> {
    let mut destinations = arguments.report.clone();
    if let Some(folder) = &arguments.report_dir {
        let folder = folder.clone().unwrap_or_else(|| Path::new("reports").join(moment(SystemTime::now())));
        destinations.extend(Destination::all_in(&folder));
    }
    destinations
}

/// A name that sorts by time.
fn moment(at: SystemTime) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
    time::OffsetDateTime::from(at).format(format).unwrap_or_else(|_| "latest".to_owned())
}

/// Every report that can be written is, whatever becomes of the others.
pub(in crate::cli) fn write_reports(
    destinations: &[Destination],
    results: &Results,
    console: &Console,
) -> (Vec<PathBuf>, bool) {
    let mut written = Vec::new();
    // Evidence is packed when the others are there: it is made of more than results.
    let mine = || destinations.iter().filter(|destination| destination.format != Format::Evidence);
    for destination in mine() {
        match destination.write(results) {
            Ok(()) => written.push(destination.path.clone()),
            Err(error) => console.complain(&error.to_string()),
        }
    }
    let is_complete = written.len() == mine().count();
    (written, is_complete)
}
