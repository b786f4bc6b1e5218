//! Which database a store opens.

use std::path::PathBuf;

/// Where the data lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In memory, gone with the process.
    Memory,
    /// A SQLite file, made if it does not exist.
    File(PathBuf),
}
