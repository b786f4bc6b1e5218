//! What waits to be fetched from a node.

use std::collections::VecDeque;
use std::time::Instant;

use super::batch::Batch;
use super::event::{Event, Reason};
use super::packets::Packets;
use super::place::Place;

/// Whoever fetches nothing loses events beyond this; batches and packets are fetched after every call.
const MOST_EVENTS: usize = 1024;

/// Batches among which one for the same place is looked for.
const LOOK_BACK: usize = 8;

/// Batches that may wait at all. Handshakes with every peer at each of its endpoints are no more than that, and
/// while the socket is full nothing else comes.
const MOST_BATCHES: usize = 8192;

/// Buffers that are kept for the next batches.
const MOST_SPARE: usize = 16;

/// The three queues, and when there will be more.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) batches: VecDeque<Batch>,
    pub(super) packets: Packets,
    pub(super) events: VecDeque<Event>,
    /// When a peer has something to do that cannot wait for the next look at all of them.
    pub(super) wake: Option<Instant>,
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
        if self.batches.len() >= MOST_BATCHES {
            self.dropped(Reason::QueueFull);
            return false;
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

    /// A peer has something to do at that moment.
    pub(super) fn wake_at(&mut self, moment: Instant) {
        self.wake = Some(self.wake.map_or(moment, |known| known.min(moment)));
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    fn place(number: u16) -> Place {
        SocketAddr::from((Ipv4Addr::LOCALHOST, number)).into()
    }

    /// Where each batch goes, and the lengths of what is in it.
    fn batches(output: &mut Output) -> Vec<(Place, Vec<usize>)> {
        let shown = |batch: &Batch| (batch.to(), batch.datagrams().map(<[u8]>::len).collect());
        output.batches.drain(..).map(|batch| shown(&batch)).collect()
    }

    #[test]
    fn each_place_has_its_batches_and_its_order() {
        let mut output = Output::default();
        for (to, length) in [(1, 148), (1, 100), (2, 100), (1, 100), (2, 100), (1, 40), (2, 101), (1, 40)] {
            output.datagram(place(to), &vec![7; length]);
        }
        let expected = [
            (place(1), vec![148, 100]),
            (place(2), vec![100, 100]),
            (place(1), vec![100, 40]),
            (place(2), vec![101]),
            (place(1), vec![40]),
        ];
        assert_eq!(batches(&mut output), expected);
    }

    #[test]
    fn what_is_not_written_leaves_nothing() {
        let mut output = Output::default();
        assert!(!output.write(place(1), 100, |_| None));
        output.datagram(place(1), &[7; 100]);
        assert!(!output.write(place(1), 100, |_| None));
        assert_eq!(batches(&mut output), [(place(1), vec![100])]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut output = Output::default();
        for number in 0..=u16::MAX {
            output.datagram(place(number), &[7; 32]);
        }
        assert_eq!(output.batches.len(), MOST_BATCHES);
        assert_eq!(output.events.len(), MOST_EVENTS);
    }
}
