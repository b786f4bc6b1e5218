//! Two queues of packets, as smoltcp wants a network interface to look.

use std::collections::VecDeque;

use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// WireGuard's usual MTU: an Ethernet frame less what an encrypted datagram over IPv6 adds.
pub(in crate::tunnel) const MTU: usize = 1420;

/// Packets in each direction; more than that are dropped, as any interface does.
const LONGEST_QUEUE: usize = 256;

/// The interface between the stack and the tunnel.
#[derive(Debug, Default)]
pub(super) struct Device {
    inbound: VecDeque<Vec<u8>>,
    outbound: VecDeque<Vec<u8>>,
}

impl Device {
    pub(super) fn deliver(&mut self, packet: Vec<u8>) {
        if self.inbound.len() < LONGEST_QUEUE {
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
        // Without room for an answer the packet waits.
        if self.outbound.len() >= LONGEST_QUEUE {
            return None;
        }
        let packet = self.inbound.pop_front()?;
        Some((Inbound(packet), Outbound(&mut self.outbound)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outbound<'_>> {
        (self.outbound.len() < LONGEST_QUEUE).then_some(Outbound(&mut self.outbound))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        // What comes out of the tunnel was authenticated there, every bit of it.
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}

/// A packet the stack reads.
pub(super) struct Inbound(Vec<u8>);

/// Room for a packet the stack writes.
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
