//! The path of a scenario.

use std::path::PathBuf;

/// The parts of a scenario's path, `SUITE/CHAPTER/STEM.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioPath {
    pub suite: String,
    pub chapter: String,
    /// The file name without `.toml`.
    pub stem: String,
    pub snapshots: PathBuf,
}
