//! `harness lint`: checks all scenarios, or a target profile.

use std::path::{Path, PathBuf};

use clap::Args;

use harness_model::scenario::vocabulary::CAPABILITIES;
use harness_model::source::diagnostic::{Diagnostic, Severity, Sources, render};
use harness_report::exit_code::USAGE;
use harness_runner::targets::profile::Profile;

use super::console::Console;
use super::library;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Check this target profile, and the files and variables it refers to, instead of scenarios
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
}

pub(super) fn lint(arguments: &Arguments, scenarios: Option<&Path>, console: &Console) -> u8 {
    if let Some(file) = &arguments.target {
        return profile(file, console);
    }
    let shelf = match library::open(scenarios, console) {
        Ok(shelf) => shelf,
        Err(code) => return code,
    };
    let library = &shelf.library;
    show(&library.warnings, &library.sources, console);
    let files = library.scenarios.len();
    console.say(&format!("{files} scenarios: {}\n", library::severities(&library.warnings)));
    0
}

fn profile(file: &Path, console: &Console) -> u8 {
    let (found, sources, capabilities) = match Profile::read(file) {
        Err(error) => (error.diagnostics, error.sources, None),
        Ok(profile) => {
            let missing = profile.resolve().err().map(|error| error.diagnostics).unwrap_or_default();
            let sources = profile.sources();
            let found = profile.warnings.iter().cloned().chain(missing).collect();
            (found, sources, Some(profile.capabilities))
        }
    };
    show(&found, &sources, console);
    if let Some(capabilities) = capabilities {
        let names: Vec<&str> = CAPABILITIES
            .iter()
            .filter(|(_, capability)| capabilities.contains(capability))
            .map(|(name, _)| *name)
            .collect();
        let names = if names.is_empty() { "none (HTTP only)".to_owned() } else { names.join(", ") };
        console.say(&format!("capabilities: {names}\n"));
    }
    console.say(&format!("{}: {}\n", file.display(), library::severities(&found)));
    match found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        true => USAGE,
        false => 0,
    }
}

fn show(found: &[Diagnostic], sources: &Sources, console: &Console) {
    console.say(&render(found, sources, console.look().color, console.width()));
}
