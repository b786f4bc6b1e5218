//! Where a scenario's file lies.

use std::path::PathBuf;

/// What a file's place says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The suite's folder.
    pub suite: String,
    /// The chapter's folder.
    pub chapter: String,
    /// The file's name without `.toml`.
    pub stem: String,
    /// The folder of its snapshots.
    pub snapshots: PathBuf,
}
