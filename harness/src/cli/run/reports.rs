//! Where the reports of a run go.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cli::console::Console;
use harness_report::destination::Destination;
use harness_report::results::Results;

use super::arguments::Arguments;

/// Every report that the flags ask for. The reports of a run that go into a folder have it for themselves.
///
/// # Errors
/// What is wrong with the folder.
pub(super) fn destinations(arguments: &Arguments) -> Result<Vec<Destination>, String> {
    let mut destinations = arguments.report.clone();
    let is_evidence = |destination: &Destination| !destination.is_of_results();
    if arguments.prove_isolation && destinations.iter().any(is_evidence) {
        return Err(
            "evidence is of one run, and --prove-isolation makes three; leave one of them out".to_owned()
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

/// A folder that was named: what lies in it already would pass for this run's.
pub(in crate::cli) fn empty(folder: &Path) -> Result<PathBuf, String> {
    let shown = folder.display();
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(format!(
            "the folder {shown} is not empty, and a run's reports are not mixed with others; name a new one, or \
             leave DIR out"
        )),
        Ok(false) => Ok(folder.to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(folder.to_owned()),
        Err(error) => Err(format!("the folder {shown} cannot be used: {error}")),
    }
}

/// A new folder, another one for each run of the same second.
fn fresh(above: &Path, at: SystemTime) -> Result<PathBuf, String> {
    let cannot = |error: std::io::Error| {
        format!("no folder can be made below {}: {error}; name one: --report-dir DIR", above.display())
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
    fn no_two_runs_share_a_folder() {
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
