//! The bundle's container: a canonical zip archive, in which any modified byte is detected.
//!
//! Zip leaves timestamps, attributes, comments, gaps and the order of entries open, and libraries write them
//! differently from version to version; here each has one value. Any zip program can read the archive. Decision 014
//! says why no library is used.

mod contents;
mod error;
mod method;
mod read;
mod record;
mod write;

pub use contents::Contents;
pub use error::{ArchiveError, NotCanonical};
pub use method::Method;
pub use read::{Archive, Member};
pub use write::{Writer, Written};

#[cfg(test)]
mod tests;
