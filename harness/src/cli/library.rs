//! Locates the scenarios: the folder given on the command line, the checkout, or the copy embedded in the program.

use std::path::{Path, PathBuf};

use harness_model::scenario::{Library, LoadErrors, load};
use harness_model::source::diagnostic::{Diagnostic, Severity, render};
use harness_model::text::counted;
use harness_report::exit_code::{ENVIRONMENT, USAGE};

use super::console::Console;

/// The loaded scenarios of a command.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) library: Library,
    /// Whether accepted snapshots persist: not in a temporary copy of the embedded scenarios.
    pub(super) is_lasting: bool,
    _copy: Option<tempfile::TempDir>,
}

/// Loads all scenarios; prints every mistake of every file if there are any.
///
/// # Errors
/// The exit code, after the error was printed.
pub(super) fn open(folder: Option<&Path>, console: &Console) -> Result<Shelf, u8> {
    let (folder, shown, copy) = locate(folder, console)?;
    match load(&folder, &shown) {
        Ok(library) => Ok(Shelf { library, is_lasting: copy.is_none(), _copy: copy }),
        Err(LoadErrors { diagnostics, sources }) => {
            let text = render(&diagnostics, &sources, console.colors_errors(), console.width());
            console.show(&text);
            console.complain(&format!("{}; nothing was run", severities(&diagnostics)));
            Err(USAGE)
        }
    }
}

/// Formats the counts of errors and warnings: `3 errors and 1 warning`.
pub(super) fn severities(diagnostics: &[Diagnostic]) -> String {
    let count = |severity, word: &str| {
        let number = diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        (number > 0).then(|| counted(number, word))
    };
    let counts: Vec<String> = [count(Severity::Error, "error"), count(Severity::Warning, "warning")]
        .into_iter()
        .flatten()
        .collect();
    if counts.is_empty() { "no mistakes".to_owned() } else { counts.join(" and ") }
}

type Located = (PathBuf, PathBuf, Option<tempfile::TempDir>);

fn locate(named: Option<&Path>, console: &Console) -> Result<Located, u8> {
    if let Some(folder) = named {
        if !folder.join("requirements.toml").is_file() {
            console.complain(&format!(
                "{} has no requirements.toml\n--scenarios expects a folder like the kit's own `scenarios`",
                folder.display()
            ));
            return Err(USAGE);
        }
        return Ok((folder.to_owned(), folder.to_owned(), None));
    }
    if let Some(folder) = scenarios::directory() {
        let shown =
            std::env::current_dir().ok().and_then(|here| folder.strip_prefix(here).ok().map(Path::to_owned));
        return Ok((folder.to_owned(), shown.unwrap_or_else(|| folder.to_owned()), None));
    }
    let copied = tempfile::Builder::new().prefix("quickztna-scenarios-").tempdir().and_then(|copy| {
        scenarios::extract(copy.path())?;
        Ok(copy)
    });
    match copied {
        Ok(copy) => Ok((copy.path().to_owned(), PathBuf::from("scenarios"), Some(copy))),
        Err(error) => {
            console.complain(&format!(
                "extracting the embedded scenarios failed: {error}\nset TMPDIR to a writable folder"
            ));
            Err(ENVIRONMENT)
        }
    }
}
