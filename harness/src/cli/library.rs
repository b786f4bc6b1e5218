//! Locates the scenarios: the folder given on the command line, the checkout, or the copy embedded in the program.

use std::io;
use std::path::{Path, PathBuf};

use harness_model::library::{Library, LoadErrors, load};
use tempfile::TempDir;

use super::error::CliError;

/// The loaded scenarios of a command.
#[derive(Debug)]
pub(super) struct LoadedLibrary {
    pub(super) library: Library,
    /// Whether accepted snapshots persist: not in a temporary copy of the embedded scenarios.
    pub(super) is_persistent: bool,
    _copy: Option<TempDir>,
}

/// Loads all scenarios.
///
/// # Errors
/// There are no scenarios in the folder, or they have mistakes.
pub(super) fn open(folder: Option<&Path>) -> Result<LoadedLibrary, CliError> {
    let Located { folder, shown, copy } = locate(folder)?;
    match load(&folder, &shown) {
        Ok(library) => Ok(LoadedLibrary { library, is_persistent: copy.is_none(), _copy: copy }),
        Err(LoadErrors { diagnostics, sources }) => Err(CliError::nothing_was_run(diagnostics, sources)),
    }
}

struct Located {
    folder: PathBuf,
    /// The folder as shown in messages.
    shown: PathBuf,
    copy: Option<TempDir>,
}

fn locate(named: Option<&Path>) -> Result<Located, CliError> {
    if let Some(folder) = named {
        if !folder.join("requirements.toml").is_file() {
            return Err(CliError::NoScenarios(folder.to_owned()));
        }
        return Ok(Located { folder: folder.to_owned(), shown: folder.to_owned(), copy: None });
    }
    if let Some(folder) = scenarios::directory() {
        let here = std::env::current_dir().ok();
        let relative = here.and_then(|here| folder.strip_prefix(here).ok());
        let shown = relative.unwrap_or(folder).to_owned();
        return Ok(Located { folder: folder.to_owned(), shown, copy: None });
    }
    let copy = extract().map_err(CliError::ExtractScenarios)?;
    Ok(Located { folder: copy.path().to_owned(), shown: PathBuf::from("scenarios"), copy: Some(copy) })
}

fn extract() -> io::Result<TempDir> {
    let copy = tempfile::Builder::new().prefix("quickztna-scenarios-").tempdir()?;
    scenarios::extract(copy.path())?;
    Ok(copy)
}
