//! The frames queued for one machine.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Upper bound of queued frames; beyond it the oldest is dropped, which is the least useful to the receiver.
const MAX_FRAMES: usize = 256;

/// A bounded queue that drops its oldest frame when it is full.
#[derive(Debug, Default)]
pub(super) struct Queue {
    frames: Mutex<VecDeque<Vec<u8>>>,
    filled: Notify,
}

impl Queue {
    /// Adds a frame and returns whether another was dropped for it.
    pub(super) fn push(&self, frame: Vec<u8>) -> bool {
        let mut frames = self.lock();
        let full = frames.len() == MAX_FRAMES;
        if full {
            frames.pop_front();
        }
        frames.push_back(frame);
        drop(frames);
        self.filled.notify_one();
        full
    }

    /// Takes the oldest frame, if there is one.
    pub(super) fn try_pop(&self) -> Option<Vec<u8>> {
        self.lock().pop_front()
    }

    /// Waits for a frame and takes the oldest. Only one task may wait.
    pub(super) async fn pop(&self) -> Vec<u8> {
        loop {
            if let Some(frame) = self.try_pop() {
                return frame;
            }
            self.filled.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn oldest_frame_is_dropped_when_full() {
        let queue = Queue::default();
        let dropped = (0..300u16).filter(|number| queue.push(number.to_be_bytes().to_vec())).count();
        assert_eq!(dropped, 300 - MAX_FRAMES);
        assert_eq!(queue.pop().await, 44u16.to_be_bytes());
        while queue.try_pop().is_some() {}
        let (popped, _) = tokio::join!(queue.pop(), async { queue.push(vec![7]) });
        assert_eq!(popped, [7]);
    }
}
