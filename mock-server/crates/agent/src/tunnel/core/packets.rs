//! Inner packets that came out of datagrams.

use std::ops::Range;

/// Bytes before each packet that are not its own: a TUN device wants a header there (virtio's, 10 bytes).
pub(crate) const HEADROOM: usize = 10;

/// Packets one after the other in one buffer, which is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    /// Longer than what is filled: bytes once made are not cleared again.
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Packets {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// One by one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().map(|range| self.bytes.get(range.clone()).unwrap_or_default())
    }

    /// The buffer, and where in it each packet is. [`HEADROOM`] bytes before each belong to nobody.
    pub(crate) fn parts(&mut self) -> (&mut [u8], &[Range<usize>]) {
        (&mut self.bytes, &self.ranges)
    }

    /// Forgets those that `stays` says no of.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&[u8]) -> bool) {
        let Self { bytes, ranges } = self;
        ranges.retain(|range| stays(bytes.get(range.clone()).unwrap_or_default()));
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.ranges.clear();
    }

    /// Room for a packet of at most `longest` bytes; it counts once it is committed.
    pub(super) fn room(&mut self, longest: usize) -> &mut [u8] {
        let start = self.next();
        if self.bytes.len() < start + longest {
            self.bytes.resize(start + longest, 0);
        }
        self.bytes.get_mut(start..).unwrap_or_default()
    }

    /// There is a packet of `length` bytes at the beginning of the room.
    pub(super) fn commit(&mut self, length: usize) {
        let start = self.next();
        self.ranges.push(start..start + length);
    }

    fn next(&self) -> usize {
        self.ranges.last().map_or(0, |last| last.end) + HEADROOM
    }
}

#[cfg(test)]
impl Packets {
    /// These packets.
    pub(crate) fn of<'a>(packets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut all = Self::default();
        for packet in packets {
            all.room(packet.len())[..packet.len()].copy_from_slice(packet);
            all.commit(packet.len());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_stay_apart_and_their_buffer_is_used_again() {
        let mut packets = Packets::of([&b"one"[..], b"", b"three"]);
        assert_eq!(packets.iter().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        let (bytes, ranges) = packets.parts();
        assert_eq!(ranges[2].start - ranges[1].end, HEADROOM);
        let before = bytes.len();
        packets.clear();
        assert!(packets.is_empty());
        packets.room(4)[..4].copy_from_slice(b"four");
        packets.commit(4);
        assert_eq!(packets.iter().collect::<Vec<_>>(), [b"four"]);
        assert_eq!(packets.parts().0.len(), before);
    }
}
