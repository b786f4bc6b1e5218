//! The network interface of the stack: two queues of packets.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::segments::Segments;

/// WireGuard's usual MTU: that of Ethernet less the overhead of an encrypted datagram over IPv6.
pub(in crate::tunnel) const MTU: usize = 1420;

/// Number of packets waiting to be read by the stack; further ones are dropped, as by any interface. Enough for the
/// windows of ten connections, which all arrive at once if this process did not run for a while.
const MAX_INBOUND_PACKETS: usize = 2048;
/// Number of packets waiting for the tunnel, beyond which the stack is not asked for further ones.
const MAX_OUTBOUND_PACKETS: usize = 256;

/// The interface between the stack and the tunnel.
#[derive(Debug, Default)]
pub(super) struct Device {
    inbound: VecDeque<Vec<u8>>,
    outbound: Outbound,
}

impl Device {
    /// Queues a packet for the stack.
    pub(super) fn deliver(&mut self, packet: Vec<u8>) {
        if self.inbound.len() < MAX_INBOUND_PACKETS {
            self.inbound.extend(self.outbound.segments.acknowledgement(&packet));
            self.inbound.push_back(packet);
        }
    }

    pub(super) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.outbound.packets.pop_front()
    }

    /// Returns whether the stack may send. It must not while there is no space: smoltcp counts some segments as sent even
    /// if they were not taken, and waits for their acknowledgement without a timer.
    pub(super) fn has_room(&self) -> bool {
        self.outbound.packets.len() < MAX_OUTBOUND_PACKETS
    }

    /// Forgets a connection of this port with `peer`.
    pub(super) fn forget(&mut self, port: u16, peer: SocketAddrV4) {
        self.outbound.segments.forget(port, peer);
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Inbound;
    type TxToken<'a> = &'a mut Outbound;

    fn receive(&mut self, _: Instant) -> Option<(Inbound, &mut Outbound)> {
        // Without space for an answer the packet stays queued.
        if !self.has_room() {
            return None;
        }
        let packet = self.inbound.pop_front()?;
        Some((Inbound(packet), &mut self.outbound))
    }

    fn transmit(&mut self, _: Instant) -> Option<&mut Outbound> {
        Some(&mut self.outbound)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        // Received packets were authenticated by the tunnel, and sent ones are changed before they get theirs.
        capabilities.checksum.tcp = Checksum::None;
        capabilities
    }
}

/// A packet to be read by the stack.
pub(super) struct Inbound(Vec<u8>);

/// The packets for the tunnel.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    packets: VecDeque<Vec<u8>>,
    segments: Segments,
}

impl phy::RxToken for Inbound {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for &mut Outbound {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let written = write(&mut packet);
        self.segments.on_sent(&mut packet);
        self.packets.push_back(packet);
        written
    }
}
