//! What a relay counts.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use utoipa::ToSchema;

/// Counters that only grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) frames: Counter,
    pub(super) bytes: Counter,
    pub(super) dropped_full: Counter,
    pub(super) dropped_unknown: Counter,
    pub(super) dropped_rate: Counter,
    pub(super) refused: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

/// What a relay has done since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counted {
    /// Machines that are connected now.
    pub connections: usize,
    /// Frames passed on.
    pub frames: u64,
    /// Bytes of datagrams in them.
    pub bytes: u64,
    /// Frames given up because their receiver was too slow.
    pub dropped_full: u64,
    /// Frames for somebody who is not connected here, or of another organisation.
    pub dropped_unknown: u64,
    /// Frames beyond what one machine may send.
    pub dropped_rate: u64,
    /// Connections ended because the machine did not prove who it is.
    pub refused: u64,
}

impl Counter {
    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn read(&self, connections: usize) -> Counted {
        Counted {
            connections,
            frames: self.frames.read(),
            bytes: self.bytes.read(),
            dropped_full: self.dropped_full.read(),
            dropped_unknown: self.dropped_unknown.read(),
            dropped_rate: self.dropped_rate.read(),
            refused: self.refused.read(),
        }
    }
}
