//! The location of a database.

use std::fmt;
use std::path::PathBuf;

use super::postgres::Address;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    Memory,
    /// A SQLite file, created if it does not exist.
    File(PathBuf),
    /// A PostgreSQL database, which replicas share.
    Postgres(Box<Address>),
}

/// Without credentials.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("sqlite::memory:"),
            Self::File(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => write!(f, "{address}"),
        }
    }
}
