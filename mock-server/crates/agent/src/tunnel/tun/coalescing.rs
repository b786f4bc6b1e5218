//! Segments of one TCP stream that came together go to the kernel as one: it handles them as one.
//!
//! What generic receive offload in a network card's driver does, for packets that lie one after the other in one
//! buffer. Only what can be divided again into exactly the same segments is joined.

use std::ops::Range;

use tun_rs::{VIRTIO_NET_HDR_GSO_TCPV4, VirtioNetHdr, checksum};

use crate::tunnel::core::HEADROOM;

/// VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum in the packet is that of the pseudo header only.
const NEEDS_CHECKSUM: u8 = 1;

const IP_HEADER: usize = 20;
const ACK: u8 = 0x10;
const PSH: u8 = 0x08;

/// The most a packet may become, header and all: its length has 16 bits.
const LONGEST: usize = 65_535;

/// A packet for the kernel; virtio's header stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coalesced {
    /// Where it is.
    pub(super) range: Range<usize>,
    /// Of how many it was made.
    pub(super) segments: usize,
}

/// A packet that more can be added to.
struct Group {
    range: Range<usize>,
    segments: usize,
    tcp: Segment,
    /// The sequence number of what would come next.
    next: u32,
    /// Nothing comes after a segment that is shorter or pushed.
    closed: bool,
}

/// What has to be known of a TCP segment.
#[derive(Clone, Copy)]
struct Segment {
    /// The length of its headers, IP's and TCP's.
    headers: usize,
    payload: usize,
    sequence: u32,
    pushed: bool,
}

/// Joins what belongs together of the packets in `ranges`, in their order, and writes virtio's header before each that
/// is left into the [`HEADROOM`] that it has. Nothing is joined if they go `singly`.
pub(super) fn coalesce(bytes: &mut [u8], ranges: &[Range<usize>], singly: bool, into: &mut Vec<Coalesced>) {
    let mut open: Option<Group> = None;
    for range in ranges {
        let segment = bytes.get(range.clone()).filter(|_| !singly).and_then(Segment::read);
        if let (Some(group), Some(segment)) = (&mut open, segment)
            && group.continues(bytes, range, segment)
        {
            group.append(bytes, range, segment);
            continue;
        }
        into.extend(open.take().map(|group| group.finish(bytes)));
        match segment {
            Some(segment) => open = Some(Group::new(range.clone(), segment)),
            None => into.push(alone(bytes, range.clone())),
        }
    }
    into.extend(open.map(|group| group.finish(bytes)));
}

/// A packet as it came.
fn alone(bytes: &mut [u8], range: Range<usize>) -> Coalesced {
    write_header(bytes, &range, VirtioNetHdr::default());
    Coalesced { range, segments: 1 }
}

fn write_header(bytes: &mut [u8], packet: &Range<usize>, header: VirtioNetHdr) {
    if let Some(room) =
        packet.start.checked_sub(HEADROOM).and_then(|start| bytes.get_mut(start..packet.start))
    {
        // Fails for want of room only.
        let _ = header.encode(room);
    }
}

impl Segment {
    /// A TCP segment over IPv4 with data that could be one of several: without IP options, no fragment, no flag but
    /// ACK and PSH, its checksum right.
    fn read(packet: &[u8]) -> Option<Self> {
        let ip = packet.first_chunk::<IP_HEADER>()?;
        let long = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0;
        if ip[0] != 0x45 || long != packet.len() || fragment || ip[9] != 6 {
            return None;
        }
        let tcp = packet.get(IP_HEADER..)?;
        let fixed = tcp.first_chunk::<20>()?;
        let headers = IP_HEADER + usize::from(fixed[12] >> 4) * 4;
        let payload = packet.len().checked_sub(headers).filter(|payload| *payload > 0)?;
        let plain = fixed[12] & 0x0f == 0 && fixed[13] & !PSH == ACK && headers >= IP_HEADER + 20;
        let sound = plain && checksum(tcp, pseudo_header(ip, tcp.len())) == 0xffff;
        let sequence = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        sound.then_some(Self { headers, payload, sequence, pushed: fixed[13] & PSH != 0 })
    }
}

/// The sum over the pseudo header (RFC 9293, 3.1).
fn pseudo_header(ip: &[u8; IP_HEADER], tcp_length: usize) -> u64 {
    let words = [[ip[12], ip[13]], [ip[14], ip[15]], [ip[16], ip[17]], [ip[18], ip[19]]];
    let addresses: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
    addresses + u64::from(ip[9]) + tcp_length as u64
}

impl Group {
    fn new(range: Range<usize>, segment: Segment) -> Self {
        let next = segment.sequence.wrapping_add(length(segment.payload));
        Self { range, segments: 1, tcp: segment, next, closed: segment.pushed }
    }

    fn continues(&self, bytes: &[u8], range: &Range<usize>, segment: Segment) -> bool {
        let fits = !self.closed
            && segment.headers == self.tcp.headers
            && segment.sequence == self.next
            && segment.payload <= self.tcp.payload
            && self.range.len() + segment.payload <= LONGEST;
        if !fits {
            return false;
        }
        let headers = |start: usize| bytes.get(start..start + self.tcp.headers).unwrap_or_default();
        let (first, other) = (headers(self.range.start), headers(range.start));
        // All but lengths, IP's identification and checksum; TCP's sequence number, PSH, checksum.
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
        self.next = self.next.wrapping_add(length(segment.payload));
        self.closed = segment.pushed || segment.payload < self.tcp.payload;
        self.tcp.pushed |= segment.pushed;
    }

    fn finish(self, bytes: &mut [u8]) -> Coalesced {
        let Self { range, segments, tcp, .. } = self;
        if segments == 1 {
            return alone(bytes, range);
        }
        let header = VirtioNetHdr {
            flags: NEEDS_CHECKSUM,
            gso_type: VIRTIO_NET_HDR_GSO_TCPV4,
            hdr_len: short(tcp.headers),
            gso_size: short(tcp.payload),
            csum_start: short(IP_HEADER),
            csum_offset: 16,
        };
        write_header(bytes, &range, header);
        if let Some((ip, tcp_part)) = bytes.get_mut(range.clone()).and_then(<[u8]>::split_first_chunk_mut) {
            seal(ip, tcp_part, tcp.pushed);
        }
        Coalesced { range, segments }
    }
}

/// Makes the headers those of the whole: IP's length and checksum; of TCP's checksum, the kernel wants the pseudo
/// header's part.
fn seal(ip: &mut [u8; IP_HEADER], tcp: &mut [u8], pushed: bool) {
    let long = short(IP_HEADER + tcp.len()).to_be_bytes();
    [ip[2], ip[3]] = long;
    [ip[10], ip[11]] = [0, 0];
    [ip[10], ip[11]] = (!checksum(ip, 0)).to_be_bytes();
    let sum = checksum(&[], pseudo_header(ip, tcp.len())).to_be_bytes();
    if let Some(fixed) = tcp.first_chunk_mut::<20>() {
        [fixed[16], fixed[17]] = sum;
        fixed[13] |= if pushed { PSH } else { 0 };
    }
}

/// Of a packet, so 16 bits hold it.
fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn length(payload: usize) -> u32 {
    u32::from(short(payload))
}

#[cfg(test)]
pub(super) mod tests;
