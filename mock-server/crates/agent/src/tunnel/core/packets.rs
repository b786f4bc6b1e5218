use std::ops::Range;

/// Free bytes before each packet, for the virtio header that a TUN device expects.
pub(crate) const HEADROOM: usize = 10;

/// Packets in one buffer, which is reused.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    /// May be longer than its content: the buffer is reused without being cleared.
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Packets {
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().map(|range| self.bytes.get(range.clone()).unwrap_or_default())
    }

    /// Returns the buffer and the range of each packet in it. [`HEADROOM`] bytes before each range are free.
    pub(crate) fn parts(&mut self) -> (&mut [u8], &[Range<usize>]) {
        (&mut self.bytes, &self.ranges)
    }

    /// Keeps only the packets for which `stays` returns true.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&[u8]) -> bool) {
        let Self { bytes, ranges } = self;
        ranges.retain(|range| stays(bytes.get(range.clone()).unwrap_or_default()));
    }

    pub(crate) fn clear(&mut self) {
        self.ranges.clear();
    }

    /// Returns space for a packet of at most `max_len` bytes, to be confirmed by [`Packets::commit`].
    pub(super) fn room(&mut self, max_len: usize) -> &mut [u8] {
        let start = self.next();
        if self.bytes.len() < start + max_len {
            self.bytes.resize(start + max_len, 0);
        }
        self.bytes.get_mut(start..).unwrap_or_default()
    }

    /// Adds the packet of `length` bytes at the beginning of the space returned by [`Packets::room`].
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
    fn packets_are_separate_and_their_buffer_is_reused() {
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
