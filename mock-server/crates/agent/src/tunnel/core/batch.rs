//! Datagrams that are sent together in one system call.

use super::peer_path::PeerPath;

/// The number of segments that Linux accepts in one call (UDP_MAX_SEGMENTS of kernels before 6.9).
const MAX_SEGMENTS: usize = 64;

/// The largest payload of a UDP datagram over IPv4, which also limits all segments of one call together.
const MAX_BATCH_LEN: usize = 65_507;

/// Contiguous datagrams for one destination, all of the same length except the last, which may be shorter: what
/// generic segmentation offload accepts in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    to: PeerPath,
    segment: usize,
    start: usize,
    end: usize,
    /// May be longer than `end`: the buffer is reused without being cleared.
    bytes: Vec<u8>,
}

impl Batch {
    pub(crate) fn to(&self) -> PeerPath {
        self.to
    }

    /// Returns all unsent datagrams, contiguously.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the length of each datagram except the last.
    pub(crate) fn segment(&self) -> usize {
        self.segment.max(1)
    }

    /// Iterates over the unsent datagrams.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes().chunks(self.segment())
    }

    /// Marks the first `length` bytes as sent.
    pub(crate) fn sent(&mut self, length: usize) {
        self.start = self.start.saturating_add(length).min(self.end);
    }

    /// Creates an empty batch in a reused buffer.
    pub(super) fn new(to: PeerPath, bytes: Vec<u8>) -> Self {
        Self { to, segment: 0, start: 0, end: 0, bytes }
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns whether a datagram of this length can be appended.
    pub(super) fn accepts(&self, length: usize) -> bool {
        let filled = self.end - self.start;
        filled == 0
            || (length <= self.segment
                && filled.is_multiple_of(self.segment())
                && filled / self.segment() < MAX_SEGMENTS
                && filled + length <= MAX_BATCH_LEN)
    }

    /// Appends a datagram of at most `max_len` bytes. `write` returns its length, or `None` if there is none.
    pub(super) fn add(&mut self, max_len: usize, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        if self.bytes.len() < self.end + max_len {
            self.bytes.resize(self.end + max_len, 0);
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
    pub(crate) fn of(to: PeerPath, datagrams: impl IntoIterator<Item = Vec<u8>>) -> Self {
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
            assert!(batch.accepts(*length));
            assert!(batch.add(length + 100, |room| {
                room[..*length].fill(7);
                Some(*length)
            }));
        }
        batch
    }

    #[test]
    fn batch_accepts_equal_datagrams_and_a_shorter_last_one() {
        for (lengths, next, accepted) in [
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
            assert_eq!(batch.accepts(next), accepted, "{lengths:?} {next}");
            let shown: Vec<usize> = batch.datagrams().map(<[u8]>::len).collect();
            assert_eq!(shown, lengths);
        }
    }

    #[test]
    fn sent_datagrams_are_skipped() {
        let mut batch = batch(&[100, 100, 60]);
        batch.sent(100);
        assert_eq!(batch.datagrams().map(<[u8]>::len).collect::<Vec<_>>(), [100, 60]);
        batch.sent(1000);
        assert_eq!(batch.datagrams().count(), 0);
    }
}
