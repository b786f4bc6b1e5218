//! `harness report --history DIR`: one page of the results of many runs.

use std::path::{Path, PathBuf};

use harness_model::text::counted;
use harness_report::destination::{Destination, Format, write_text};
use harness_report::exit_code::ExitCode;
use harness_report::history::StoredRun;
use harness_report::html;

use super::console::Console;
use super::error::CliError;
use super::{browser, stored};

/// Written unless --report names another file.
const PAGE: &str = "history.html";
/// Reports that are JSON, but no results.
const OTHERS: [&str; 1] = ["badge.json"];

/// Writes the page of all results below the folder.
pub(super) fn history(
    folder: &Path,
    destinations: &[Destination],
    is_opened: bool,
    console: &Console,
) -> Result<ExitCode, CliError> {
    if destinations.iter().any(|destination| destination.format != Format::Html) {
        return Err(CliError::HistoryFormat);
    }
    let mut files = Vec::new();
    collect(folder, &mut files).map_err(|cause| CliError::ReadFolder { path: folder.to_owned(), cause })?;
    files.sort();
    let mut runs = Vec::new();
    for path in files {
        match stored::read(&path) {
            Ok(results) => runs.push(StoredRun { file: shown(&path, folder), results }),
            Err(error) => console.warn(&format!("left out: {error}")),
        }
    }
    if runs.is_empty() {
        return Err(CliError::NoHistory(folder.to_owned()));
    }
    let text = counted(runs.len(), "run");
    let page = html::history::render(runs);
    let named: Vec<PathBuf> = destinations.iter().map(|destination| destination.path.clone()).collect();
    let paths = if named.is_empty() { vec![PathBuf::from(PAGE)] } else { named };
    for path in &paths {
        write_text(path, &page).map_err(|cause| CliError::WriteFile { path: path.clone(), cause })?;
        console.eprint(&format!("history of {text} written to {}\n", path.display()));
    }
    if is_opened && let Some(path) = paths.first() {
        browser::open(path, console);
    }
    Ok(ExitCode::Conformant)
}

fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json")
            && !OTHERS.iter().any(|other| path.ends_with(other))
        {
            files.push(path);
        }
    }
    Ok(())
}
