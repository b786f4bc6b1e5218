//! `harness lint`: checks all scenarios, or a target profile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use harness_model::scenario::model::Capability;
use harness_model::scenario::vocabulary::CAPABILITIES;
use harness_model::source::diagnostic::{Diagnostic, Severity, Sources, render};
use harness_report::exit_code::ExitCode;
use harness_runner::targets::profile::Profile;

use super::console::Console;
use super::error::{CliError, severities};
use super::library;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Check this target profile, and the files and variables it refers to, instead of scenarios
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
}

pub(super) fn lint(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    if let Some(file) = &arguments.target {
        return Ok(lint_profile(file, console));
    }
    let library = library::open(scenarios)?.library;
    print_diagnostics(&library.warnings, &library.sources, console);
    console.print(&format!("{} scenarios: {}\n", library.scenarios.len(), severities(&library.warnings)));
    Ok(ExitCode::Conformant)
}

fn lint_profile(file: &Path, console: &Console) -> ExitCode {
    let (diagnostics, sources, capabilities) = match Profile::read(file) {
        Err(error) => (error.diagnostics, error.sources, None),
        Ok(profile) => {
            let missing = profile.resolve().err().map(|error| error.diagnostics).unwrap_or_default();
            let diagnostics = profile.warnings.iter().cloned().chain(missing).collect();
            (diagnostics, profile.sources(), Some(profile.capabilities))
        }
    };
    print_diagnostics(&diagnostics, &sources, console);
    if let Some(capabilities) = capabilities {
        console.print(&format!("capabilities: {}\n", named(&capabilities)));
    }
    console.print(&format!("{}: {}\n", file.display(), severities(&diagnostics)));
    let has_errors = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    if has_errors { ExitCode::Usage } else { ExitCode::Conformant }
}

fn named(capabilities: &BTreeSet<Capability>) -> String {
    let declared = CAPABILITIES.iter().filter(|(_, capability)| capabilities.contains(capability));
    let names: Vec<&str> = declared.map(|(name, _)| *name).collect();
    if names.is_empty() { "none (HTTP only)".to_owned() } else { names.join(", ") }
}

fn print_diagnostics(diagnostics: &[Diagnostic], sources: &Sources, console: &Console) {
    console.print(&render(diagnostics, sources, console.terminal_options().color, console.width()));
}
