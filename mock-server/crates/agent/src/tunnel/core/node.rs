//! A node with an address in a simulated network, for tests and the fuzzer.

#![allow(clippy::unwrap_used, reason = "only used by tests and the fuzzer")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use boringtun::x25519::{PublicKey, StaticSecret};
use ztna_protocol::region::Region;

use super::{Batch, Core, Event, PeerAccess, PeerPath, PeerSettings};

/// A datagram sent by a node.
#[derive(Debug, Clone)]
pub(super) struct Datagram {
    pub(super) to: PeerPath,
    pub(super) bytes: Vec<u8>,
}

/// The region of the only relay.
pub(super) fn region() -> Region {
    "blr1".parse().unwrap()
}

pub(super) struct Node {
    pub(super) core: Core,
    pub(super) private: StaticSecret,
    pub(super) endpoint: SocketAddr,
    pub(super) address: Ipv4Addr,
    /// Whether the node is connected to the relay.
    pub(super) relay: bool,
}

impl Node {
    /// Creates a node whose key, endpoint and tailnet address are derived from `number`.
    pub(super) fn new(number: u8, now: Instant) -> Self {
        let private = StaticSecret::from([number; 32]);
        Self {
            core: Core::new(private.clone(), now),
            private,
            endpoint: SocketAddr::from(([192, 0, 2, number], 51820)),
            address: Ipv4Addr::new(100, 64, 0, number),
            relay: false,
        }
    }

    pub(super) fn key(&self) -> PublicKey {
        PublicKey::from(&self.private)
    }

    pub(super) fn settings(&self) -> PeerSettings {
        PeerSettings {
            address: self.address,
            endpoints: vec![self.endpoint],
            relay: self.relay.then(region),
            online: true,
            access: PeerAccess::everything(),
        }
    }

    pub(super) fn knows(&mut self, other: &Self, now: Instant) {
        self.core.set_peer(other.key(), other.settings(), now);
    }

    pub(super) fn datagrams(&mut self) -> Vec<Datagram> {
        let batches: Vec<_> = std::iter::from_fn(|| self.core.poll_batch()).collect();
        let datagrams = |batch: Batch| -> Vec<Datagram> {
            let one = |bytes: &[u8]| Datagram { to: batch.to(), bytes: bytes.to_vec() };
            batch.datagrams().map(one).collect()
        };
        batches.into_iter().flat_map(datagrams).collect()
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.core.poll_event()).collect()
    }

    /// Takes the received packets and returns their numbers.
    pub(super) fn arrived(&mut self) -> Vec<u64> {
        let numbers = self.core.packets().iter().map(number).collect();
        self.core.packets().clear();
        numbers
    }
}

/// Delivers all datagrams immediately until there are none left.
pub(super) fn converse(one: &mut Node, other: &mut Node, now: Instant) {
    loop {
        let (there, back) = (one.datagrams(), other.datagrams());
        if there.is_empty() && back.is_empty() {
            return;
        }
        there.iter().for_each(|datagram| other.core.receive(one.endpoint.into(), &datagram.bytes, now));
        back.iter().for_each(|datagram| one.core.receive(other.endpoint.into(), &datagram.bytes, now));
    }
}

/// Returns two nodes with a session.
pub(super) fn pair(now: Instant) -> (Node, Node) {
    let (mut one, mut other) = (Node::new(1, now), Node::new(2, now));
    one.knows(&other, now);
    other.knows(&one, now);
    one.core.send(&packet(one.address, other.address, 0), now);
    converse(&mut one, &mut other, now);
    assert_eq!(other.arrived(), [0]);
    (one, other)
}

/// Creates an inner packet that carries `number`.
pub(super) fn packet(source: Ipv4Addr, destination: Ipv4Addr, number: u64) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 253, 0, 0];
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(number.to_be_bytes());
    packet
}

pub(super) fn number(packet: &[u8]) -> u64 {
    u64::from_be_bytes(*packet[20..].first_chunk().unwrap())
}
