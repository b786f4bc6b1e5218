//! TCP segments on their way between the stack and the tunnel, changed where the stack's would let connections stand still.

use std::collections::HashMap;
use std::net::SocketAddrV4;

use smoltcp::wire::{IpProtocol, Ipv4Packet, TcpPacket, TcpSeqNumber};

/// The own port and the peer's address.
type Flow = (u16, SocketAddrV4);

/// What was acknowledged to the peer of each connection.
#[derive(Debug, Default)]
pub(super) struct Segments {
    acknowledged: HashMap<Flow, TcpSeqNumber>,
}

impl Segments {
    /// Changes a packet of the stack, if it is a TCP segment, and fills in its checksum.
    ///
    /// The window becomes one unit of its scale smaller. smoltcp rounds it down to that unit, which takes back up to 7
    /// bytes that it has offered before, and refuses them when they come. What was not offered cannot be taken back.
    pub(super) fn on_sent(&mut self, packet: &mut [u8]) {
        let Ok(mut packet) = Ipv4Packet::new_checked(packet) else { return };
        if packet.next_header() != IpProtocol::Tcp {
            return;
        }
        let (own, peer) = (packet.src_addr(), packet.dst_addr());
        let Ok(mut segment) = TcpPacket::new_checked(packet.payload_mut()) else { return };
        let flow = (segment.src_port(), SocketAddrV4::new(peer, segment.dst_port()));
        if segment.rst() {
            self.acknowledged.remove(&flow);
        } else if segment.ack() {
            self.acknowledged.insert(flow, segment.ack_number());
        }
        // The window of a request has no scale.
        if !segment.syn() {
            segment.set_window_len(segment.window_len().saturating_sub(1));
        }
        segment.fill_checksum(&own.into(), &peer.into());
    }

    /// Returns a packet with the acknowledgement that a received packet carries, if the stack would ignore it: smoltcp
    /// reads nothing of a segment whose data it has received before. When both sides send again, because what they
    /// acknowledged was lost, neither would ever learn what the other has.
    pub(super) fn acknowledgement(&self, received: &[u8]) -> Option<Vec<u8>> {
        let packet = Ipv4Packet::new_checked(received).ok()?;
        if packet.next_header() != IpProtocol::Tcp {
            return None;
        }
        let segment = TcpPacket::new_checked(packet.payload()).ok()?;
        let flow = (segment.dst_port(), SocketAddrV4::new(packet.src_addr(), segment.src_port()));
        let expected = *self.acknowledged.get(&flow)?;
        let is_known =
            segment.seq_number() < expected && segment.seq_number() + segment.segment_len() <= expected;
        if !is_known || !segment.ack() || segment.syn() || segment.rst() {
            return None;
        }
        let length = usize::from(packet.header_len()) + usize::from(segment.header_len());
        let mut bytes = received.get(..length)?.to_vec();
        let mut packet = Ipv4Packet::new_unchecked(&mut bytes);
        packet.set_total_len(u16::try_from(length).ok()?);
        packet.fill_checksum();
        let mut segment = TcpPacket::new_unchecked(packet.payload_mut());
        segment.set_seq_number(expected);
        segment.set_fin(false);
        segment.set_psh(false);
        Some(bytes)
    }

    /// Forgets what was acknowledged, when the connection is removed.
    pub(super) fn forget(&mut self, port: u16, peer: SocketAddrV4) {
        self.acknowledged.remove(&(port, peer));
    }
}
