//! Datagrams that leave together.

use super::place::Place;

/// As many segments as Linux takes in one call (UDP_MAX_SEGMENTS of the kernels before 6.9).
const MOST: usize = 64;

/// What a UDP datagram over IPv4 holds; a call with segments may not exceed it either.
const LONGEST: usize = 65_507;

/// Datagrams to one place, one after the other, all of the same length but the last, which may be shorter: what
/// generic segmentation offload takes in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    to: Place,
    segment: usize,
    start: usize,
    end: usize,
    /// Longer than what is filled: bytes once made are not cleared again.
    bytes: Vec<u8>,
}

impl Batch {
    /// Where it goes.
    pub(crate) fn to(&self) -> Place {
        self.to
    }

    /// Every datagram, without a gap.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// How long each is but the last.
    pub(crate) fn segment(&self) -> usize {
        self.segment.max(1)
    }

    /// One by one.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes().chunks(self.segment())
    }

    /// The first `length` bytes are gone.
    pub(crate) fn sent(&mut self, length: usize) {
        self.start = self.start.saturating_add(length).min(self.end);
    }

    /// One for `to`, made of a buffer that was used before.
    pub(super) fn new(to: Place, bytes: Vec<u8>) -> Self {
        Self { to, segment: 0, start: 0, end: 0, bytes }
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether one more datagram of this length keeps it what it is.
    pub(super) fn takes(&self, length: usize) -> bool {
        let filled = self.end - self.start;
        filled == 0
            || (length <= self.segment
                && filled.is_multiple_of(self.segment())
                && filled / self.segment() < MOST
                && filled + length <= LONGEST)
    }

    /// Adds a datagram of at most `longest` bytes: `write` says how long it became, or that there is none.
    pub(super) fn add(&mut self, longest: usize, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        if self.bytes.len() < self.end + longest {
            self.bytes.resize(self.end + longest, 0);
        }
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        let Some(length) = write(room) else { return false };
        if self.segment == 0 {
            self.segment = length;
        }
        self.end += length;
        true
    }
}

#[cfg(test)]
impl Batch {
    /// These datagrams.
    pub(crate) fn of(to: Place, datagrams: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut batch = Self::new(to, Vec::new());
        for datagram in datagrams {
            batch.add(datagram.len(), |room| {
                room[..datagram.len()].copy_from_slice(&datagram);
                Some(datagram.len())
            });
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn batch(lengths: &[usize]) -> Batch {
        let mut batch = Batch::new(SocketAddr::from(([192, 0, 2, 7], 7)).into(), Vec::new());
        for length in lengths {
            assert!(batch.takes(*length));
            assert!(batch.add(length + 100, |room| {
                room[..*length].fill(7);
                Some(*length)
            }));
        }
        batch
    }

    #[test]
    fn equal_ones_and_one_that_is_shorter() {
        for (lengths, next, taken) in [
            (&[][..], 65_507, true),
            (&[100], 100, true),
            (&[100], 101, false),
            (&[100, 100, 60], 60, false),
            (&[100; 63], 100, true),
            (&[100; 64], 100, false),
            (&[1452; 44], 1452, true),
            (&[1452; 45], 1452, false),
        ] {
            let batch = batch(lengths);
            assert_eq!(batch.takes(next), taken, "{lengths:?} {next}");
            let shown: Vec<usize> = batch.datagrams().map(<[u8]>::len).collect();
            assert_eq!(shown, lengths);
        }
    }

    #[test]
    fn what_was_sent_is_not_sent_again() {
        let mut batch = batch(&[100, 100, 60]);
        batch.sent(100);
        assert_eq!(batch.datagrams().map(<[u8]>::len).collect::<Vec<_>>(), [100, 60]);
        batch.sent(1000);
        assert_eq!(batch.datagrams().count(), 0);
    }
}
