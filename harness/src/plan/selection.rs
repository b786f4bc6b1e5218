//! What the user asked for.

use std::num::NonZeroU32;

use super::filter::Filter;

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Suites by name; none means all.
    pub suites: Vec<String>,
    /// What of them.
    pub filter: Option<Filter>,
    /// Which part of that.
    pub shard: Option<Shard>,
    /// The seed of the order; none keeps the documents' order.
    pub shuffle: Option<u64>,
}

/// One of several parts that together are everything; a sub-test's part depends on its id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1.
    pub index: NonZeroU32,
    /// Of how many.
    pub count: NonZeroU32,
}
