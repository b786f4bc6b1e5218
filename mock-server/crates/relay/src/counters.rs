use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use utoipa::ToSchema;

/// Counters since the start of the relay.
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
    /// Number of connected machines.
    pub connections: usize,
    /// Frames forwarded.
    pub frames: u64,
    /// Bytes of the datagrams in them.
    pub bytes: u64,
    /// Frames dropped because their receiver was too slow.
    pub dropped_full: u64,
    /// Frames dropped because their receiver is not connected here or is in another organisation.
    pub dropped_unknown: u64,
    /// Frames dropped because their sender exceeded the rate limit.
    pub dropped_rate: u64,
    /// Connections refused because the machine failed to prove its identity.
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
