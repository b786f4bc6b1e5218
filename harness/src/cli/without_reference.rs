//! Replaces `reference/` in a build without the reference.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use harness_model::library::Library;
use harness_report::exit_code::ExitCode;
use harness_report::results::Results;
use harness_report::terminal::Paint;
use harness_runner::targets::Target;

use super::console::Console;
use super::database::Database;
use super::error::CliError;
use super::runtime::Runtime;

/// Accepts any arguments, so that the error explains why the command is missing.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(super) struct Anything {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _words: Vec<OsString>,
}

pub(super) type SelftestArguments = Anything;
pub(super) type ServeArguments = Anything;

#[allow(clippy::unused_async, reason = "same signature as with the reference")]
pub(super) async fn serve(_arguments: Anything, _console: &Console) -> Result<ExitCode, CliError> {
    Err(CliError::NeedsReference("`serve`"))
}

#[allow(clippy::unused_async, reason = "same signature as with the reference")]
pub(super) async fn selftest(
    _arguments: Anything,
    _scenarios: Option<&Path>,
    _console: &Console,
) -> Result<ExitCode, CliError> {
    Err(CliError::NeedsReference("`selftest`"))
}

#[allow(clippy::unused_async, reason = "same signature as with the reference")]
pub(super) async fn target(
    runtime: Runtime,
    deviation: Option<&str>,
    database: Database<'_>,
    _console: &Console,
) -> Result<Arc<dyn Target>, CliError> {
    if runtime == Runtime::Containers {
        return Err(CliError::NeedsReference("--runtime containers"));
    }
    if !database.is_default() {
        return Err(CliError::NeedsReference("--database"));
    }
    Err(if deviation.is_some() { CliError::NeedsReference("--deviation") } else { CliError::NoTarget })
}

/// Does nothing: there is no reference to compare with.
#[allow(clippy::unused_async, reason = "same signature as with the reference")]
pub(super) async fn compare(
    _results: &mut Results,
    _library: &Library,
    _jobs: usize,
    _folder: &Path,
    _console: &Console,
) {
}

pub(super) fn list_deviations(_json: bool, _console: &Console) -> Result<ExitCode, CliError> {
    Err(CliError::NeedsReference("--deviations"))
}

pub(super) fn explained(_id: &str, _paint: Paint) -> Option<String> {
    None
}

pub(super) fn ids<'a>() -> impl Iterator<Item = &'a str> {
    std::iter::empty()
}
