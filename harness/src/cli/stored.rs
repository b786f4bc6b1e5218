//! Reads the `results.json` of an earlier run.

use std::path::Path;

use harness_report::exit_code::USAGE;
use harness_report::results::Results;

use super::console::Console;

/// The results in that file.
///
/// # Errors
/// The exit code, once it was said what is wrong with the file.
pub(super) fn read(path: &Path, console: &Console) -> Result<Results, u8> {
    let refuse = |what: &str| {
        console.complain(&format!("{} {what}; it must be what --report json=FILE wrote", path.display()));
        USAGE
    };
    let text = std::fs::read(path).map_err(|error| refuse(&format!("cannot be read: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| refuse(&format!("is not a run's results: {error}")))
}
