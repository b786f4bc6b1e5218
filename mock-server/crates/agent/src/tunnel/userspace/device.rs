//! The network interface of the stack: two queues of packets.

use std::collections::VecDeque;

use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// WireGuard's usual MTU: that of Ethernet less the overhead of an encrypted datagram over IPv6.
pub(in crate::tunnel) const MTU: usize = 1420;

/// Number of packets waiting to be read by the stack; further ones are dropped, as by any interface. Enough for the
/// windows of ten connections, which all arrive at once if this process did not run for a while.
const MAX_INBOUND_PACKETS: usize = 2048;
/// Number of packets waiting for the tunnel; the stack keeps further ones.
const MAX_OUTBOUND_PACKETS: usize = 256;

/// The interface between the stack and the tunnel.
#[derive(Debug, Default)]
pub(super) struct Device {
    inbound: VecDeque<Vec<u8>>,
    outbound: VecDeque<Vec<u8>>,
}

impl Device {
    pub(super) fn deliver(&mut self, packet: Vec<u8>) {
        if self.inbound.len() < MAX_INBOUND_PACKETS {
            self.inbound.push_back(packet);
        }
    }

    pub(super) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.outbound.pop_front()
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Inbound;
    type TxToken<'a> = Outbound<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Inbound, Outbound<'_>)> {
        // Without space for an answer the packet stays queued.
        if self.outbound.len() >= MAX_OUTBOUND_PACKETS {
            return None;
        }
        let packet = self.inbound.pop_front()?;
        Some((Inbound(packet), Outbound(&mut self.outbound)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outbound<'_>> {
        (self.outbound.len() < MAX_OUTBOUND_PACKETS).then_some(Outbound(&mut self.outbound))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        // Received packets were authenticated by the tunnel.
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}

/// A packet to be read by the stack.
pub(super) struct Inbound(Vec<u8>);

/// Space for a packet written by the stack.
pub(super) struct Outbound<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::RxToken for Inbound {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for Outbound<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let written = write(&mut packet);
        self.0.push_back(packet);
        written
    }
}
