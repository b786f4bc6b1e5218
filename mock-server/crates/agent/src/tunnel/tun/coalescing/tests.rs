use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    IpAddress, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};
use tun_rs::gso_split;

use super::*;
use crate::tunnel::core::Packets;

const FROM: Ipv4Address = Ipv4Address::new(100, 64, 0, 1);
const TO: Ipv4Address = Ipv4Address::new(100, 64, 0, 2);

/// Creates a segment; `change` modifies other fields.
fn segment(sequence: u32, length: usize, change: impl FnOnce(&mut TcpRepr<'_>)) -> Vec<u8> {
    let payload: Vec<u8> =
        (0..length).map(|position| (position + sequence as usize).to_le_bytes()[0]).collect();
    let mut tcp = TcpRepr {
        src_port: 49152,
        dst_port: 80,
        control: TcpControl::None,
        seq_number: TcpSeqNumber(i32::from_ne_bytes(sequence.to_ne_bytes())),
        ack_number: Some(TcpSeqNumber(77)),
        window_len: 500,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &payload,
    };
    change(&mut tcp);
    let ip = Ipv4Repr {
        src_addr: FROM,
        dst_addr: TO,
        next_header: IpProtocol::Tcp,
        payload_len: tcp.buffer_len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; 20 + tcp.buffer_len()];
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut bytes), &ChecksumCapabilities::default());
    let (from, to) = (IpAddress::Ipv4(FROM), IpAddress::Ipv4(TO));
    let mut packet = TcpPacket::new_unchecked(&mut bytes[20..]);
    tcp.emit(&mut packet, &from, &to, &ChecksumCapabilities::default());
    bytes
}

/// Creates consecutive segments with these payload lengths, with the identification that the kernel would assign.
pub(in crate::tunnel::tun) fn stream(lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut sequence = 0xffff_fc00_u32;
    let mut segments = Vec::new();
    for (number, length) in lengths.iter().enumerate() {
        let mut bytes = segment(sequence, *length, |_| ());
        let mut ip = Ipv4Packet::new_unchecked(&mut bytes);
        ip.set_ident(u16::try_from(number).unwrap());
        ip.fill_checksum();
        segments.push(bytes);
        sequence = sequence.wrapping_add(u32::try_from(*length).unwrap());
    }
    segments
}

/// Returns the number of segments in each resulting packet.
fn groups(packets: &[Vec<u8>]) -> Vec<usize> {
    let (groups, _) = coalesced(packets);
    groups.iter().map(|group| group.segments).collect()
}

fn coalesced(packets: &[Vec<u8>]) -> (Vec<Coalesced>, Vec<u8>) {
    let mut packets = Packets::of(packets.iter().map(Vec::as_slice));
    let (bytes, ranges) = packets.parts();
    let mut groups = Vec::new();
    coalesce(bytes, ranges, false, &mut groups);
    (groups, bytes.to_vec())
}

/// Returns the packets that the kernel would divide the result into.
fn divided(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (groups, mut bytes) = coalesced(packets);
    let mut all = Vec::new();
    for Coalesced { range, segments } in groups {
        let header = VirtioNetHdr::decode(&bytes[range.start - HEADROOM..range.start]).unwrap();
        if segments == 1 {
            assert_eq!((header.gso_type, header.flags), (0, 0));
            all.push(bytes[range].to_vec());
            continue;
        }
        let whole = &mut bytes[range];
        assert!(Ipv4Packet::new_checked(&*whole).unwrap().verify_checksum());
        let (mut parts, mut lengths) = (vec![vec![0; 2000]; segments], vec![0; segments]);
        assert_eq!(gso_split(whole, header, &mut parts, &mut lengths, 0, false).unwrap(), segments);
        all.extend(parts.into_iter().zip(lengths).map(|(part, length)| part[..length].to_vec()));
    }
    all
}

#[test]
fn only_consecutive_segments_are_joined() {
    let many = stream(&[1000; 70]);
    assert_eq!(groups(&many), [65, 5], "limited by the maximum packet length");
    assert_eq!(groups(&stream(&[1000, 1000, 1000, 400])), [4]);
    assert_eq!(groups(&stream(&[1000, 400, 400])), [2, 1], "a shorter segment is the last");
    assert_eq!(groups(&stream(&[400, 1000])), [1, 1]);
    assert_eq!(groups(&stream(&[0, 0])), [1, 1], "acknowledgements");
    assert_eq!(groups(&[]), [0; 0]);

    let next = |change: fn(&mut TcpRepr<'_>)| groups(&[segment(0, 100, |_| ()), segment(100, 100, change)]);
    assert_eq!(next(|_| ()), [2]);
    assert_eq!(next(|tcp| tcp.control = TcpControl::Psh), [2]);
    for change in [
        (|tcp| tcp.src_port = 1) as fn(&mut TcpRepr<'_>),
        |tcp| tcp.dst_port = 1,
        |tcp| tcp.control = TcpControl::Fin,
        |tcp| tcp.control = TcpControl::Rst,
        |tcp| tcp.seq_number = TcpSeqNumber(101),
        |tcp| tcp.ack_number = Some(TcpSeqNumber(78)),
        |tcp| tcp.window_len = 501,
        |tcp| tcp.max_seg_size = Some(1000),
    ] {
        assert_eq!(next(change), [1, 1]);
    }
    let pushed = segment(0, 100, |tcp| tcp.control = TcpControl::Psh);
    assert_eq!(groups(&[pushed, segment(100, 100, |_| ())]), [1, 1], "nothing is joined after PSH");
}

#[test]
fn invalid_segments_are_not_joined() {
    for position in [0, 2, 6, 9, 20 + 16, 60] {
        let mut wrong = segment(100, 100, |_| ());
        wrong[position] ^= 1;
        let packets = [segment(0, 100, |_| ()), wrong];
        assert_eq!(groups(&packets), [1, 1], "byte {position}");
        assert_eq!(divided(&packets), packets, "byte {position}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn kernel_restores_the_same_packets(lengths in prop::collection::vec(prop_oneof![3 => Just(1368usize), 1 => 1usize..1368], 0..80)) {
        let packets = stream(&lengths);
        prop_assert!(groups(&packets).iter().sum::<usize>() == packets.len());
        // The kernel increments the identification of the first segment.
        prop_assert_eq!(divided(&packets), packets);
    }

    #[test]
    fn other_packets_pass_unchanged(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20)) {
        prop_assert_eq!(divided(&packets), packets);
    }
}
