//! The location of a database.

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
