//! How long a plan waits for targets whose clock cannot be advanced.

use std::time::Duration;

/// The waiting of a plan's sub-tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub subtests: usize,
    /// The sum of their waits, which overlap.
    pub total: Duration,
    pub longest: Duration,
}

impl Waiting {
    /// Adds up the waits of sub-tests that run; `None` if none waits.
    pub(super) fn of(waits: &[Duration]) -> Option<Self> {
        Some(Self {
            subtests: waits.len(),
            total: waits.iter().copied().fold(Duration::ZERO, Duration::saturating_add),
            longest: waits.iter().copied().max()?,
        })
    }
}
