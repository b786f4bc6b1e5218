//! The output of a node until it is fetched.

use std::collections::VecDeque;
use std::time::Instant;

use super::batch::Batch;
use super::event::{DropReason, Event};
use super::packets::Packets;
use super::peer_path::PeerPath;

/// Events beyond this number are lost unless they are fetched; batches and packets are fetched after every call.
const MAX_EVENTS: usize = 1024;

/// Number of the latest batches that are searched for one with the same destination.
const MAX_LOOK_BACK: usize = 8;

/// Upper bound of queued batches. It is enough for handshakes with all peers at all endpoints, and while the socket is
/// full nothing else is produced.
const MAX_BATCHES: usize = 8192;

/// Number of buffers kept for reuse.
const MAX_SPARE_BUFFERS: usize = 16;

/// Queued datagrams, packets and events.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) batches: VecDeque<Batch>,
    pub(super) packets: Packets,
    pub(super) events: VecDeque<Event>,
    /// When a peer must run before the next regular tick.
    pub(super) wake: Option<Instant>,
    spare: Vec<Vec<u8>>,
}

impl Output {
    pub(super) fn datagram(&mut self, to: PeerPath, bytes: &[u8]) {
        self.write(to, bytes.len(), |room| {
            room.get_mut(..bytes.len())?.copy_from_slice(bytes);
            Some(bytes.len())
        });
    }

    /// Appends a datagram of at most `max_len` bytes, which `write` writes directly into the batch, after all others for
    /// the same destination. Returns whether `write` produced one.
    pub(super) fn write(
        &mut self,
        to: PeerPath,
        max_len: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> bool {
        let last = self.batches.iter().rev().take(MAX_LOOK_BACK).position(|batch| batch.to() == to);
        let last = last.map(|back| self.batches.len() - 1 - back);
        if let Some(batch) = last.and_then(|last| self.batches.get_mut(last))
            && batch.accepts(max_len)
        {
            return batch.add(max_len, write);
        }
        if self.batches.len() >= MAX_BATCHES {
            self.dropped(DropReason::QueueFull);
            return false;
        }
        let mut batch = Batch::new(to, self.spare.pop().unwrap_or_default());
        let written = batch.add(max_len, write);
        if written {
            self.batches.push_back(batch);
        } else {
            self.recycle(batch);
        }
        written
    }

    /// Keeps the buffer of a batch for reuse.
    pub(super) fn recycle(&mut self, batch: Batch) {
        if self.spare.len() < MAX_SPARE_BUFFERS {
            self.spare.push(batch.into_buffer());
        }
    }

    /// Requests a tick at `moment`.
    pub(super) fn wake_at(&mut self, moment: Instant) {
        self.wake = Some(self.wake.map_or(moment, |known| known.min(moment)));
    }

    pub(super) fn event(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        }
    }

    pub(super) fn dropped(&mut self, reason: DropReason) {
        self.event(Event::Dropped(reason));
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    fn path(number: u16) -> PeerPath {
        SocketAddr::from((Ipv4Addr::LOCALHOST, number)).into()
    }

    /// Returns the destination of each batch and the lengths of its datagrams.
    fn batches(output: &mut Output) -> Vec<(PeerPath, Vec<usize>)> {
        let summary = |batch: &Batch| (batch.to(), batch.datagrams().map(<[u8]>::len).collect());
        output.batches.drain(..).map(|batch| summary(&batch)).collect()
    }

    #[test]
    fn datagrams_are_batched_in_order_by_destination() {
        let mut output = Output::default();
        for (to, length) in [(1, 148), (1, 100), (2, 100), (1, 100), (2, 100), (1, 40), (2, 101), (1, 40)] {
            output.datagram(path(to), &vec![7; length]);
        }
        let expected = [
            (path(1), vec![148, 100]),
            (path(2), vec![100, 100]),
            (path(1), vec![100, 40]),
            (path(2), vec![101]),
            (path(1), vec![40]),
        ];
        assert_eq!(batches(&mut output), expected);
    }

    #[test]
    fn unwritten_datagram_leaves_no_batch() {
        let mut output = Output::default();
        assert!(!output.write(path(1), 100, |_| None));
        output.datagram(path(1), &[7; 100]);
        assert!(!output.write(path(1), 100, |_| None));
        assert_eq!(batches(&mut output), [(path(1), vec![100])]);
    }

    #[test]
    fn queues_are_bounded() {
        let mut output = Output::default();
        for number in 0..=u16::MAX {
            output.datagram(path(number), &[7; 32]);
        }
        assert_eq!(output.batches.len(), MAX_BATCHES);
        assert_eq!(output.events.len(), MAX_EVENTS);
    }
}
