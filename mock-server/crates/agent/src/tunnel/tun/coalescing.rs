//! Joins consecutive segments of one TCP stream, so that the kernel processes them as one packet.
//!
//! This is generic receive offload, for packets in one buffer. Only segments are joined that the kernel can divide into
//! exactly the same segments again.

use std::ops::Range;

use tun_rs::{VIRTIO_NET_HDR_GSO_TCPV4, VirtioNetHdr, checksum};

use crate::tunnel::core::HEADROOM;

/// VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum field covers only the pseudo header.
const NEEDS_CHECKSUM: u8 = 1;

const IP_HEADER_LEN: usize = 20;
const ACK: u8 = 0x10;
const PSH: u8 = 0x08;

/// Upper bound of a joined packet, whose length field has 16 bits.
const MAX_PACKET_LEN: usize = 65_535;

/// A packet for the kernel, preceded by a virtio header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coalesced {
    pub(super) range: Range<usize>,
    /// Number of segments that were joined.
    pub(super) segments: usize,
}

/// A packet that segments are being joined to.
struct Group {
    range: Range<usize>,
    segments: usize,
    tcp: Segment,
    /// The sequence number that the next segment must have.
    next: u32,
    /// Nothing is joined after a shorter segment or one with PSH.
    closed: bool,
}

/// The relevant fields of a TCP segment.
#[derive(Clone, Copy)]
struct Segment {
    /// The length of the IP and TCP headers.
    headers: usize,
    payload: usize,
    sequence: u32,
    pushed: bool,
}

/// Joins consecutive segments among the packets in `ranges`, keeping their order, and writes a virtio header into the
/// [`HEADROOM`] before each resulting packet. Joins nothing if `disabled`.
pub(super) fn coalesce(bytes: &mut [u8], ranges: &[Range<usize>], disabled: bool, into: &mut Vec<Coalesced>) {
    let mut open: Option<Group> = None;
    for range in ranges {
        let segment = bytes.get(range.clone()).filter(|_| !disabled).and_then(Segment::read);
        if let (Some(group), Some(segment)) = (&mut open, segment)
            && group.continues(bytes, range, segment)
        {
            group.append(bytes, range, segment);
            continue;
        }
        into.extend(open.take().map(|group| group.finish(bytes)));
        match segment {
            Some(segment) => open = Some(Group::new(range.clone(), segment)),
            None => into.push(single(bytes, range.clone())),
        }
    }
    into.extend(open.map(|group| group.finish(bytes)));
}

/// Returns a packet that is not joined.
fn single(bytes: &mut [u8], range: Range<usize>) -> Coalesced {
    write_header(bytes, &range, VirtioNetHdr::default());
    Coalesced { range, segments: 1 }
}

fn write_header(bytes: &mut [u8], packet: &Range<usize>, header: VirtioNetHdr) {
    if let Some(room) =
        packet.start.checked_sub(HEADROOM).and_then(|start| bytes.get_mut(start..packet.start))
    {
        // Fails only for lack of space.
        let _ = header.encode(room);
    }
}

impl Segment {
    /// Parses a TCP segment that can be joined: over IPv4 without options or fragmentation, with data, no flags but ACK and
    /// PSH, and a valid checksum.
    fn read(packet: &[u8]) -> Option<Self> {
        let ip = packet.first_chunk::<IP_HEADER_LEN>()?;
        let total_len = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0;
        if ip[0] != 0x45 || total_len != packet.len() || fragment || ip[9] != 6 {
            return None;
        }
        let tcp = packet.get(IP_HEADER_LEN..)?;
        let fixed = tcp.first_chunk::<20>()?;
        let headers = IP_HEADER_LEN + usize::from(fixed[12] >> 4) * 4;
        let payload = packet.len().checked_sub(headers).filter(|payload| *payload > 0)?;
        let plain = fixed[12] & 0x0f == 0 && fixed[13] & !PSH == ACK && headers >= IP_HEADER_LEN + 20;
        let valid = plain && checksum(tcp, pseudo_header_sum(ip, tcp.len())) == 0xffff;
        let sequence = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        valid.then_some(Self { headers, payload, sequence, pushed: fixed[13] & PSH != 0 })
    }
}

/// Returns the sum over the pseudo header (RFC 9293, section 3.1).
fn pseudo_header_sum(ip: &[u8; IP_HEADER_LEN], tcp_length: usize) -> u64 {
    let words = [[ip[12], ip[13]], [ip[14], ip[15]], [ip[16], ip[17]], [ip[18], ip[19]]];
    let addresses: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
    addresses + u64::from(ip[9]) + tcp_length as u64
}

impl Group {
    fn new(range: Range<usize>, segment: Segment) -> Self {
        let next = segment.sequence.wrapping_add(to_u32(segment.payload));
        Self { range, segments: 1, tcp: segment, next, closed: segment.pushed }
    }

    fn continues(&self, bytes: &[u8], range: &Range<usize>, segment: Segment) -> bool {
        let fits = !self.closed
            && segment.headers == self.tcp.headers
            && segment.sequence == self.next
            && segment.payload <= self.tcp.payload
            && self.range.len() + segment.payload <= MAX_PACKET_LEN;
        if !fits {
            return false;
        }
        let headers = |start: usize| bytes.get(start..start + self.tcp.headers).unwrap_or_default();
        let (first, other) = (headers(self.range.start), headers(range.start));
        // All fields but IP's length, identification and checksum and TCP's sequence number, PSH and checksum.
        let same = |range: Range<usize>| first.get(range.clone()) == other.get(range);
        same(0..2)
            && same(6..10)
            && same(12..24)
            && same(28..33)
            && same(34..36)
            && same(38..self.tcp.headers)
    }

    fn append(&mut self, bytes: &mut [u8], range: &Range<usize>, segment: Segment) {
        bytes.copy_within(range.start + segment.headers..range.end, self.range.end);
        self.range.end += segment.payload;
        self.segments += 1;
        self.next = self.next.wrapping_add(to_u32(segment.payload));
        self.closed = segment.pushed || segment.payload < self.tcp.payload;
        self.tcp.pushed |= segment.pushed;
    }

    fn finish(self, bytes: &mut [u8]) -> Coalesced {
        let Self { range, segments, tcp, .. } = self;
        if segments == 1 {
            return single(bytes, range);
        }
        let header = VirtioNetHdr {
            flags: NEEDS_CHECKSUM,
            gso_type: VIRTIO_NET_HDR_GSO_TCPV4,
            hdr_len: to_u16(tcp.headers),
            gso_size: to_u16(tcp.payload),
            csum_start: to_u16(IP_HEADER_LEN),
            csum_offset: 16,
        };
        write_header(bytes, &range, header);
        if let Some((ip, tcp_part)) = bytes.get_mut(range.clone()).and_then(<[u8]>::split_first_chunk_mut) {
            finish_headers(ip, tcp_part, tcp.pushed);
        }
        Coalesced { range, segments }
    }
}

/// Updates the headers of a joined packet: IP's length and checksum, PSH, and the pseudo header's part of TCP's
/// checksum, as the kernel expects.
fn finish_headers(ip: &mut [u8; IP_HEADER_LEN], tcp: &mut [u8], pushed: bool) {
    let total_len = to_u16(IP_HEADER_LEN + tcp.len()).to_be_bytes();
    [ip[2], ip[3]] = total_len;
    [ip[10], ip[11]] = [0, 0];
    [ip[10], ip[11]] = (!checksum(ip, 0)).to_be_bytes();
    let sum = checksum(&[], pseudo_header_sum(ip, tcp.len())).to_be_bytes();
    if let Some(fixed) = tcp.first_chunk_mut::<20>() {
        [fixed[16], fixed[17]] = sum;
        fixed[13] |= if pushed { PSH } else { 0 };
    }
}

/// Converts a length within a packet, which fits into 16 bits.
fn to_u16(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn to_u32(payload: usize) -> u32 {
    u32::from(to_u16(payload))
}

#[cfg(test)]
pub(super) mod tests;
