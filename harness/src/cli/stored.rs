//! Reads the `results.json` of an earlier run.

use std::path::Path;

use harness_report::exit_code::USAGE;
use harness_report::results::Results;

use super::console::Console;

/// Reads the results.
///
/// # Errors
/// The exit code, after the error was printed.
pub(super) fn read(path: &Path, console: &Console) -> Result<Results, u8> {
    let refuse = |what: &str| {
        console
            .complain(&format!("{}: {what}\nexpected a file written by --report json=FILE", path.display()));
        USAGE
    };
    let text = std::fs::read(path).map_err(|error| refuse(&format!("reading results failed: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| refuse(&format!("invalid results: {error}")))
}
