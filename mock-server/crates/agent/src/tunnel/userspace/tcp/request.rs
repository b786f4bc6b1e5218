//! Recognises packets that request a connection.

use std::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::wire::{IpProtocol, Ipv4Packet, TcpPacket};

/// Returns the sender and the local port of a connection request (SYN), or `None` for any other packet. The stack
/// verifies checksums.
pub(super) fn read(packet: &[u8]) -> Option<(SocketAddrV4, u16)> {
    let outer = Ipv4Packet::new_checked(packet).ok()?;
    if outer.next_header() != IpProtocol::Tcp {
        return None;
    }
    let inner = TcpPacket::new_checked(outer.payload()).ok()?;
    let is_request = inner.syn() && !inner.ack() && !inner.rst() && !inner.fin();
    let from = SocketAddrV4::new(Ipv4Addr::from(outer.src_addr().octets()), inner.src_port());
    is_request.then(|| (from, inner.dst_port()))
}
