//! ICMP echo requests and replies as IPv4 packets (RFC 792).

use std::net::Ipv4Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr};

const HOP_LIMIT: u8 = 64;
const CONTENT: &[u8] = b"the kit's own WireGuard peer";

/// A packet received through the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inner {
    /// The reply to one of the peer's echo requests.
    Pong { from: Ipv4Addr, to: Ipv4Addr, sequence: u16 },
    /// Anything else, including packets with a wrong checksum.
    Other,
}

pub(super) fn request(from: Ipv4Addr, to: Ipv4Addr, identifier: u16, sequence: u16) -> Vec<u8> {
    let checksums = ChecksumCapabilities::default();
    let echo = Icmpv4Repr::EchoRequest { ident: identifier, seq_no: sequence, data: CONTENT };
    let header = Ipv4Repr {
        src_addr: from,
        dst_addr: to,
        next_header: IpProtocol::Icmp,
        payload_len: echo.buffer_len(),
        hop_limit: HOP_LIMIT,
    };
    let mut bytes = vec![0; header.buffer_len() + echo.buffer_len()];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes);
    header.emit(&mut packet, &checksums);
    echo.emit(&mut Icmpv4Packet::new_unchecked(packet.payload_mut()), &checksums);
    bytes
}

pub(super) fn read(packet: &[u8], identifier: u16) -> Inner {
    pong(packet, identifier).unwrap_or(Inner::Other)
}

fn pong(bytes: &[u8], identifier: u16) -> Option<Inner> {
    let checksums = ChecksumCapabilities::default();
    let packet = Ipv4Packet::new_checked(bytes).ok()?;
    let header = Ipv4Repr::parse(&packet, &checksums).ok()?;
    if header.next_header != IpProtocol::Icmp {
        return None;
    }
    let message = Icmpv4Packet::new_checked(packet.payload()).ok()?;
    match Icmpv4Repr::parse(&message, &checksums).ok()? {
        Icmpv4Repr::EchoReply { ident, seq_no, data } if ident == identifier && data == CONTENT => {
            Some(Inner::Pong { from: header.src_addr, to: header.dst_addr, sequence: seq_no })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replies_to_own_requests_are_pongs() {
        let (here, there) = (Ipv4Addr::new(100, 64, 0, 2), Ipv4Addr::new(100, 64, 0, 1));
        let sent = request(here, there, 7, 3);
        assert_eq!(read(&sent, 7), Inner::Other, "a request is not a reply");
        let mut reply = request(there, here, 7, 3);
        reply[20] = 0; // echo reply
        let mut message = Icmpv4Packet::new_unchecked(&mut reply[20..]);
        message.fill_checksum();
        let pong = Inner::Pong { from: there, to: here, sequence: 3 };
        assert_eq!(read(&reply, 7), pong);
        assert_eq!(read(&reply, 8), Inner::Other, "another identifier");
        for length in 0..reply.len() {
            assert_eq!(read(&reply[..length], 7), Inner::Other);
        }
        let last = reply.len() - 1;
        reply[last] ^= 1;
        assert_eq!(read(&reply, 7), Inner::Other, "corrupted");
    }
}
