//! Writing the reports of a run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::console::Console;
use harness_report::destination::Destination;
use harness_report::results::Results;

use super::arguments::Arguments;

/// Returns the requested reports. A report folder must be new or empty.
///
/// # Errors
/// The folder is not empty or cannot be created, or the combination of flags is invalid.
pub(super) fn destinations(arguments: &Arguments) -> Result<Vec<Destination>, String> {
    let mut destinations = arguments.report.clone();
    let is_evidence = |destination: &Destination| !destination.is_of_results();
    if arguments.prove_isolation && destinations.iter().any(is_evidence) {
        return Err(
            "--prove-isolation cannot be combined with evidence, which records a single run".to_owned()
        );
    }
    if let Some(folder) = &arguments.report_dir {
        let folder = match folder {
            Some(folder) => empty(folder)?,
            None => fresh(Path::new("reports"), SystemTime::now())?,
        };
        let all = Destination::all_in(&folder).into_iter();
        destinations.extend(all.filter(|one| !(arguments.prove_isolation && is_evidence(one))));
    }
    Ok(destinations)
}

/// Checks that a report folder is new or empty: older reports in it would be mistaken for this run's.
pub(in crate::cli) fn empty(folder: &Path) -> Result<PathBuf, String> {
    let shown = folder.display();
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(format!("report folder {shown} is not empty\nchoose a new one, or omit DIR")),
        Ok(false) => Ok(folder.to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(folder.to_owned()),
        Err(error) => Err(format!("reading report folder {shown} failed: {error}")),
    }
}

/// Creates a folder named after the time, with a random suffix for runs in the same second.
fn fresh(above: &Path, at: SystemTime) -> Result<PathBuf, String> {
    let cannot = |error: std::io::Error| {
        format!(
            "creating a folder below {} failed: {error}\nchoose one with --report-dir DIR",
            above.display()
        )
    };
    std::fs::create_dir_all(above).map_err(cannot)?;
    let moment = moment(at);
    loop {
        let folder = above.join(format!("{moment}-{:04x}", rand::random::<u16>()));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot(error)),
        }
    }
}

/// Returns a name that sorts by time.
fn moment(at: SystemTime) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
    time::OffsetDateTime::from(at).format(format).unwrap_or_else(|_| "latest".to_owned())
}

/// Writes every report that can be written, even if others fail.
pub(in crate::cli) fn write_reports(
    destinations: &[Destination],
    results: &Results,
    console: &Console,
) -> (Vec<PathBuf>, bool) {
    let mut written = Vec::new();
    // Evidence is packed separately: it needs more than results.
    let mine = || destinations.iter().filter(|destination| destination.is_of_results());
    for destination in mine() {
        match destination.write(results) {
            Ok(()) => written.push(destination.path.clone()),
            Err(error) => console.complain(&error.to_string()),
        }
    }
    let is_complete = written.len() == mine().count();
    (written, is_complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_folders_are_unique_and_empty() {
        let above = tempfile::tempdir().unwrap();
        let folders: std::collections::BTreeSet<PathBuf> =
            (0..20).map(|_| fresh(above.path(), SystemTime::UNIX_EPOCH).unwrap()).collect();
        assert_eq!(folders.len(), 20);
        assert!(folders.iter().all(|folder| folder.is_dir()));
        assert!(empty(above.path()).unwrap_err().contains("is not empty"));
        let first = folders.first().unwrap();
        assert_eq!(empty(first).as_ref(), Ok(first));
        assert!(empty(&above.path().join("new")).is_ok());
    }
}
