//! What the commands say that need the reference, in a build that has none.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use harness_model::scenario::Library;
use harness_report::exit_code::USAGE;
use harness_report::results::Results;
use harness_report::terminal::Paint;
use harness_runner::targets::Target;

use super::console::Console;

/// Whatever a build with the reference would take.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(super) struct Anything {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _words: Vec<OsString>,
}

pub(super) type SelftestArguments = Anything;
pub(super) type ServeArguments = Anything;

#[allow(clippy::unused_async, reason = "has the form that a build with the reference needs")]
pub(super) async fn serve(_arguments: Anything, console: &Console) -> u8 {
    missing("`serve` needs the reference", console)
}

#[allow(clippy::unused_async, reason = "has the form that a build with the reference needs")]
pub(super) async fn selftest(_arguments: Anything, _scenarios: Option<&Path>, console: &Console) -> u8 {
    missing("`selftest` needs the reference", console)
}

pub(super) fn target(deviation: Option<&str>, console: &Console) -> Result<Arc<dyn Target>, u8> {
    Err(match deviation {
        Some(_) => missing("--deviation needs the reference", console),
        None => {
            console.complain(
                "no target was named, and this build has no embedded reference\n\
                 name one with --target PROFILE; `harness init-target` writes a profile",
            );
            USAGE
        }
    })
}

/// There is no reference whose answers could be shown beside the target's.
#[allow(clippy::unused_async, reason = "has the form that a build with the reference needs")]
pub(super) async fn compare(
    _results: &mut Results,
    _library: &Library,
    _jobs: usize,
    _folder: &Path,
    _console: &Console,
) {
}

pub(super) fn list_deviations(_json: bool, console: &Console) -> u8 {
    missing("--deviations needs the reference", console)
}

pub(super) fn explained(_id: &str, _paint: Paint) -> Option<String> {
    None
}

pub(super) fn ids<'a>() -> impl Iterator<Item = &'a str> {
    std::iter::empty()
}

fn missing(what: &str, console: &Console) -> u8 {
    console.complain(&format!("{what}, and this build has none\nbuild with the feature `reference`"));
    USAGE
}
