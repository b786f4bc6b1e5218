//! What waits to be fetched from a node.

use std::collections::VecDeque;

use super::batch::Batch;
use super::event::{Event, Reason};
use super::packets::Packets;
use super::place::Place;

/// Whoever fetches nothing loses events beyond this; batches and packets are fetched after every call.
const MOST_EVENTS: usize = 1024;

/// Batches among which one for the same place is looked for.
const LOOK_BACK: usize = 8;

/// Buffers that are kept for the next batches.
const MOST_SPARE: usize = 16;

/// The three queues.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) batches: VecDeque<Batch>,
    pub(super) packets: Packets,
    pub(super) events: VecDeque<Event>,
    spare: Vec<Vec<u8>>,
}

impl Output {
    pub(super) fn datagram(&mut self, to: Place, bytes: &[u8]) {
        self.write(to, bytes.len(), |room| {
            room.get_mut(..bytes.len())?.copy_from_slice(bytes);
            Some(bytes.len())
        });
    }

    /// Adds a datagram of at most `longest` bytes, written where it will be sent from. It comes after all others to
    /// the same place. Whether there was one.
    pub(super) fn write(
        &mut self,
        to: Place,
        longest: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> bool {
        let last = self.batches.iter().rev().take(LOOK_BACK).position(|batch| batch.to() == to);
        let last = last.map(|back| self.batches.len() - 1 - back);
        if let Some(batch) = last.and_then(|last| self.batches.get_mut(last))
            && batch.takes(longest)
        {
            return batch.add(longest, write);
        }
        let mut batch = Batch::new(to, self.spare.pop().unwrap_or_default());
        let written = batch.add(longest, write);
        if written {
            self.batches.push_back(batch);
        } else {
            self.recycle(batch);
        }
        written
    }

    /// Keeps the buffer of a batch that was sent.
    pub(super) fn recycle(&mut self, batch: Batch) {
        if self.spare.len() < MOST_SPARE {
            self.spare.push(batch.into_buffer());
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        if self.events.len() < MOST_EVENTS {
            self.events.push_back(event);
        }
    }

    pub(super) fn dropped(&mut self, reason: Reason) {
        self.event(Event::Dropped(reason));
    }
}
