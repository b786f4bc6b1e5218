//! Delays before responses, from a deterministic sequence.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) struct Pace {
    state: AtomicU64,
    milliseconds: std::ops::Range<u64>,
}

impl Pace {
    /// 2 to 15 ms, so that responses overtake each other, as those of a remote server do.
    pub(crate) fn far_away() -> Self {
        Self { state: AtomicU64::new(0x9e37_79b9_7f4a_7c15), milliseconds: 2..16 }
    }

    /// Just long enough for requests to overlap.
    pub(crate) fn near() -> Self {
        Self { state: AtomicU64::new(1), milliseconds: 0..3 }
    }

    pub(super) async fn pass(&self) {
        let step = |state: u64| {
            let state = state ^ (state << 13);
            let state = state ^ (state >> 7);
            state ^ (state << 17)
        };
        let before = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| Some(step(state)));
        let chance = step(before.unwrap_or_default());
        let width = self.milliseconds.end - self.milliseconds.start;
        tokio::time::sleep(Duration::from_millis(self.milliseconds.start + chance % width)).await;
    }
}
