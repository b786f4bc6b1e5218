//! Whether a packet asks for a connection.

use std::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::wire::{IpProtocol, Ipv4Packet, TcpPacket};

/// Who asks with this packet for a connection, and to which port; nothing if it is any other packet. Checksums are
/// left to the stack.
pub(super) fn read(packet: &[u8]) -> Option<(SocketAddrV4, u16)> {
    let outer = Ipv4Packet::new_checked(packet).ok()?;
    if outer.next_header() != IpProtocol::Tcp {
        return None;
    }
    let inner = TcpPacket::new_checked(outer.payload()).ok()?;
    let asks = inner.syn() && !inner.ack() && !inner.rst() && !inner.fin();
    let from = SocketAddrV4::new(Ipv4Addr::from(outer.src_addr().octets()), inner.src_port());
    asks.then(|| (from, inner.dst_port()))
}
