//! Reads the `results.json` of an earlier run.

use std::path::Path;

use harness_report::results::Results;

use super::error::CliError;

pub(super) fn read(path: &Path) -> Result<Results, CliError> {
    let text = std::fs::read(path).map_err(|cause| CliError::ReadResults { path: path.to_owned(), cause })?;
    Results::read(&text).map_err(|cause| CliError::InvalidResults { path: path.to_owned(), cause })
}
