//! Defaults of flags: `HARNESS_…` variables, and `harness.toml` in the folder or above it. A flag on the command line
//! wins over a variable, and a variable over the file.
//!
//! Defaults become words of the command line, so that they mean what the flags mean.

mod file;
mod key;
mod place;
mod variable;

use std::ffi::OsString;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::error::CliError;
use file::DefaultsFile;
use key::{KEYS, Key};
pub(super) use place::Place;

/// A command line with its defaults.
#[derive(Debug)]
pub(super) struct WithDefaults {
    pub(super) arguments: Vec<OsString>,
    /// Where the defaults come from: empty if there are none.
    pub(super) origin: String,
}

/// Adds the defaults of whatever `matches` shows not to be given.
///
/// # Errors
/// The file has mistakes, or a variable has an invalid value.
pub(super) fn added(
    arguments: &[OsString],
    matches: &ArgMatches,
    place: &Place,
) -> Result<WithDefaults, CliError> {
    let (command, flags) = matches.subcommand().map_or(("", matches), |(name, flags)| (name, flags));
    let wanted = |key: &&Key| key.is_of(command) && !is_given(key, flags);
    let file = file::read(place)?;
    let (mut words, mut of_file, mut origins): (Vec<OsString>, Vec<&str>, Vec<String>) = Default::default();
    for key in KEYS.iter().filter(wanted) {
        if let Some(found) = variable::read(key)? {
            words.extend(found);
            origins.push(key.variable());
        } else if let Some(found) = file.as_ref().and_then(|file: &DefaultsFile| file.words.get(key.name)) {
            words.extend(found.iter().cloned());
            of_file.push(key.name);
        }
    }
    if let Some(file) = file.filter(|_| !of_file.is_empty()) {
        origins.insert(0, format!("{} ({})", file.shown.display(), of_file.join(", ")));
    }
    // Before `--`, behind which nothing is a flag.
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let (before, after) = arguments.split_at(end);
    let arguments = [before, &words, after].concat();
    Ok(WithDefaults { arguments, origin: origins.join(", ") })
}

/// Whether the flag, or one that it cannot be combined with, is on the command line.
fn is_given(key: &Key, flags: &ArgMatches) -> bool {
    std::iter::once(key.name).chain(key.yields_to.iter().copied()).any(|name| {
        let id = name.replace('-', "_");
        let is_known = flags.ids().any(|known| known.as_str() == id);
        is_known && flags.value_source(&id) == Some(ValueSource::CommandLine)
    })
}
