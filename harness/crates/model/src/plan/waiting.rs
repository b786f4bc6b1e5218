//! How long a plan waits for targets whose clock cannot be advanced.

use std::time::Duration;

use super::{Disposition, Plan};

/// The waiting of a plan's sub-tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub subtests: usize,
    /// The sum of their waits, which overlap.
    pub total: Duration,
    pub longest: Duration,
}

impl Plan {
    /// Returns how long its sub-tests wait, if any does.
    pub fn waiting(&self) -> Option<Waiting> {
        let running = self.subtests.iter().filter(|planned| planned.disposition == Disposition::Run);
        let waits: Vec<Duration> = running.filter_map(|planned| planned.waits).collect();
        Some(Waiting {
            subtests: waits.len(),
            total: waits.iter().copied().fold(Duration::ZERO, Duration::saturating_add),
            longest: waits.iter().copied().max()?,
        })
    }
}
