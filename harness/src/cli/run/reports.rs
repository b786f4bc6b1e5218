//! Writing the reports of a run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::console::Console;
use crate::cli::error::CliError;
use harness_report::destination::{Destination, Format};
use harness_report::exit_code::ExitCode;
use harness_report::results::Results;

use super::arguments::Arguments;

/// The reports that were written.
pub(in crate::cli) struct WrittenReports {
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Whether all requested reports were written.
    pub(in crate::cli) is_complete: bool,
}

impl WrittenReports {
    /// Returns the verdict's exit code; a missing report turns success into an environment error.
    pub(in crate::cli) fn exit_code(&self, results: &Results) -> ExitCode {
        match results.verdict.exit_code() {
            ExitCode::Conformant if !self.is_complete => ExitCode::Environment,
            exit_code => exit_code,
        }
    }
}

/// Writes every report that can be written, even if others fail.
pub(in crate::cli) fn write_reports(
    destinations: &[Destination],
    results: &Results,
    console: &Console,
) -> WrittenReports {
    let mut written = WrittenReports { paths: Vec::new(), is_complete: true };
    // Evidence is packed separately: it needs more than results.
    for destination in destinations.iter().filter(|destination| destination.is_of_results()) {
        match destination.write(results) {
            Ok(()) => written.paths.push(destination.path.clone()),
            Err(error) => {
                console.error(&error.to_string());
                written.is_complete = false;
            }
        }
    }
    written
}

/// Returns the requested reports. A report folder must be new or empty.
pub(super) fn destinations(arguments: &Arguments) -> Result<Vec<Destination>, CliError> {
    let mut destinations = arguments.report.clone();
    let is_evidence = |destination: &Destination| !destination.is_of_results();
    if arguments.prove_isolation && destinations.iter().any(is_evidence) {
        return Err(CliError::EvidenceOfSeveralRuns);
    }
    if let Some(folder) = &arguments.report_dir {
        let folder = match folder {
            Some(folder) => {
                verify_empty(folder)?;
                folder.clone()
            }
            None => create_folder(Path::new("reports"), SystemTime::now())?,
        };
        let all = Destination::all_in(&folder).into_iter();
        destinations.extend(all.filter(|one| !(arguments.prove_isolation && is_evidence(one))));
    }
    if arguments.open && page(&destinations).is_none() {
        let path = create_folder(Path::new("reports"), SystemTime::now())?.join("report.html");
        destinations.push(Destination { format: Format::Html, path });
    }
    Destination::all_differ(&destinations)?;
    Ok(destinations)
}

/// Returns the path of the HTML report.
pub(super) fn page(destinations: &[Destination]) -> Option<&Path> {
    let page = destinations.iter().find(|destination| destination.format == Format::Html);
    page.map(|destination| destination.path.as_path())
}

/// Checks that a report folder is new or empty: older reports in it would be mistaken for this run's.
pub(in crate::cli) fn verify_empty(folder: &Path) -> Result<(), CliError> {
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(CliError::FolderNotEmpty(folder.to_owned())),
        Ok(false) => Ok(()),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(CliError::ReadFolder { path: folder.to_owned(), cause }),
    }
}

/// Creates a folder named after the time, with a random suffix for runs in the same second.
fn create_folder(above: &Path, at: SystemTime) -> Result<PathBuf, CliError> {
    let failed = |cause| CliError::CreateFolder { path: above.to_owned(), cause };
    std::fs::create_dir_all(above).map_err(failed)?;
    let moment = moment(at);
    loop {
        let folder = above.join(format!("{moment}-{:04x}", rand::random::<u16>()));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(failed(cause)),
        }
    }
}

/// Returns a name that sorts by time.
fn moment(at: SystemTime) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
    time::OffsetDateTime::from(at).format(format).unwrap_or_else(|_| "latest".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_folders_are_unique_and_empty() {
        let above = tempfile::tempdir().unwrap();
        let folders: std::collections::BTreeSet<PathBuf> =
            (0..20).map(|_| create_folder(above.path(), SystemTime::UNIX_EPOCH).unwrap()).collect();
        assert_eq!(folders.len(), 20);
        assert!(folders.iter().all(|folder| folder.is_dir()));
        assert!(matches!(verify_empty(above.path()), Err(CliError::FolderNotEmpty(_))));
        assert!(verify_empty(folders.first().unwrap()).is_ok());
        assert!(verify_empty(&above.path().join("new")).is_ok());
    }
}
