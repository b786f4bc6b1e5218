//! What waits to be fetched from a node.

use std::collections::VecDeque;

use super::event::{Event, Reason};
use super::place::Place;

/// Whoever fetches nothing loses events beyond this; datagrams and packets are fetched after every call.
const MOST_EVENTS: usize = 1024;

/// A datagram on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Datagram {
    /// Where it goes.
    pub(crate) to: Place,
    /// What it is.
    pub(crate) bytes: Vec<u8>,
}

/// The three queues.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) datagrams: VecDeque<Datagram>,
    pub(super) packets: VecDeque<Vec<u8>>,
    pub(super) events: VecDeque<Event>,
}

impl Output {
    pub(super) fn datagram(&mut self, to: Place, bytes: &[u8]) {
        self.datagrams.push_back(Datagram { to, bytes: bytes.to_vec() });
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
