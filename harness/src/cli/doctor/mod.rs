//! `harness doctor`: checks that a run can start, without running anything.

mod checklist;
mod machine;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use harness_report::exit_code::ExitCode;
use harness_report::terminal::Paint;
use harness_runner::targets::State;

use super::console::Console;
use super::error::CliError;
use super::{library, run};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The profile of the target [default: check this machine for runs against the embedded reference]
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// The format of the checklist
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Prints the checklist.
///
/// # Errors
/// The profile or a scenario has mistakes.
pub(super) async fn doctor(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    let findings = match &arguments.target {
        None => machine::examine(),
        Some(path) => {
            let library = library::open(scenarios)?.library;
            let target = run::remote(path, console)?;
            target::examine(&Arc::new(target), path, &library).await?
        }
    };
    console.print(&match arguments.format {
        Format::Text => {
            let options = console.terminal_options();
            checklist::as_text(&findings, Paint::new(options.color), options.width)
        }
        Format::Json => checklist::as_json(&findings)?,
    });
    let is_wrong = findings.iter().any(|finding| matches!(finding.state, State::Wrong { .. }));
    Ok(if is_wrong { ExitCode::Environment } else { ExitCode::Conformant })
}
