//! The end of the process, as the closing lines state it.

use std::path::PathBuf;

use crate::exit_code::ExitCode;

#[derive(Debug, Clone, Copy)]
pub struct ProcessEnd<'a> {
    /// The reports that were written.
    pub reports: &'a [PathBuf],
    pub exit_code: ExitCode,
    /// The command that runs the same target again, such as `harness --target acme.toml`.
    pub command: &'a str,
}
