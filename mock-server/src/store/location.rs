//! The location of a database.

use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    Memory,
    /// A SQLite file, created if it does not exist.
    File(PathBuf),
}
