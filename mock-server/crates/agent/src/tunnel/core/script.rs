//! Interprets arbitrary bytes as a script of network events for a node that knows two peers.
//!
//! | first byte of a step, modulo 8 | the step |
//! |-|-|
//! | 0, 1 | a datagram from a stranger: its length (2 bytes, little-endian), then its bytes |
//! | 2, 3 | a datagram sent earlier, perhaps altered, truncated or from another endpoint: which, position, mask, sender |
//! | 4 | time passes: 1 byte, in tens of milliseconds; above 127, seconds less 127 |
//! | 5 | one of the three sends a packet to another: 1 byte selects both |
//! | 6 | the node sends a packet: its length (1 byte), then its bytes |
//! | 7 | datagrams in flight arrive or are lost: 1 byte |

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::node::{Node, number, packet};

/// Further steps are ignored to keep a script fast.
const MAX_STEPS: usize = 256;

/// Number of earlier datagrams that can be replayed.
const MAX_KEPT_DATAGRAMS: usize = 64;

/// Upper bound of the datagrams that one step may cause: handshakes with all peers and the packets queued for them.
const MAX_DATAGRAMS_PER_STEP: usize = 128;

/// Time in which two nodes that know each other must reconnect.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(120);

struct Simulation {
    /// The node under test and its two peers.
    nodes: [Node; 3],
    now: Instant,
    /// Sender, destination and bytes of each datagram.
    in_flight: Vec<(usize, SocketAddr, Vec<u8>)>,
    kept: Vec<Vec<u8>>,
    sent: u64,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}

/// Runs the script.
///
/// # Panics
/// If a forged packet is delivered, a queue grows without bound, or the peers cannot exchange packets afterwards.
pub(crate) fn run(script: &[u8]) {
    let mut simulation = Simulation::new();
    let mut reader = Reader(script);
    for _ in 0..MAX_STEPS {
        if simulation.step(&mut reader).is_none() {
            break;
        }
        simulation.collect();
    }
    simulation.in_flight.clear();
    for other in [1, 2] {
        simulation.assert_reachable(0, other);
        simulation.assert_reachable(other, 0);
    }
}

impl Simulation {
    fn new() -> Self {
        let now = Instant::now();
        let mut nodes = [1, 2, 3].map(|number| Node::new(number, now));
        for (one, other) in [(0, 1), (0, 2), (1, 0), (2, 0), (1, 2), (2, 1)] {
            let (key, settings) = (nodes[other].key(), nodes[other].settings());
            nodes[one].core.set_peer(key, settings, now);
        }
        let mut simulation = Self { nodes, now, in_flight: Vec::new(), kept: Vec::new(), sent: 0 };
        simulation.collect();
        simulation
    }

    fn step(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        match reader.byte()? % 8 {
            0 | 1 => {
                let length = u16::from_le_bytes([reader.byte()?, reader.byte()?]);
                let datagram = reader.bytes(length.into());
                self.nodes[0].core.receive(stranger().into(), datagram, self.now);
            }
            2 | 3 => self.replay(reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?),
            4 => {
                let length = u64::from(reader.byte()?);
                let tens = if length > 127 { (length - 127) * 100 } else { length };
                self.now += Duration::from_millis(tens * 10);
                self.nodes.iter_mut().for_each(|node| node.core.tick(self.now));
            }
            5 => {
                let who = usize::from(reader.byte()?);
                self.send(who % 3, (who + 1 + who / 3 % 2) % 3);
            }
            6 => {
                let length = reader.byte()?;
                let mut packet = reader.bytes(length.into()).to_vec();
                // Distinguished from genuine packets by its protocol.
                if let Some(protocol) = packet.get_mut(9) {
                    *protocol = 17;
                }
                self.nodes[0].core.send(&packet, self.now);
            }
            _ => {
                let lost = reader.byte()?;
                let in_flight = std::mem::take(&mut self.in_flight);
                for (number, (from, to, datagram)) in in_flight.into_iter().enumerate() {
                    if lost & (1 << (number % 8)) == 0 {
                        self.arrive(from, to, &datagram);
                    }
                }
            }
        }
        Some(())
    }

    /// Sends one of the kept datagrams to the node again, altered.
    fn replay(&mut self, which: u8, position: u8, mask: u8, from: u8) {
        let Some(mut datagram) = self.kept.get(usize::from(which) % self.kept.len().max(1)).cloned() else {
            return;
        };
        let position = usize::from(position) % datagram.len().max(1);
        if let Some(byte) = datagram.get_mut(position) {
            *byte ^= mask;
        }
        if from & 0x80 != 0 {
            datagram.truncate(position);
        }
        let from = [stranger(), self.nodes[1].endpoint, self.nodes[2].endpoint][usize::from(from & 0x7f) % 3];
        self.nodes[0].core.receive(from.into(), &datagram, self.now);
    }

    fn send(&mut self, from: usize, to: usize) -> u64 {
        self.sent += 1;
        let (source, destination) = (self.nodes[from].address, self.nodes[to].address);
        self.nodes[from].core.send(&packet(source, destination, self.sent), self.now);
        self.sent
    }

    fn arrive(&mut self, from: usize, to: SocketAddr, datagram: &[u8]) {
        let from = self.nodes[from].endpoint;
        if let Some(node) = self.nodes.iter_mut().find(|node| node.endpoint == to) {
            node.core.receive(from.into(), datagram, self.now);
        }
    }

    /// Collects what the nodes send and checks what they deliver.
    fn collect(&mut self) -> Vec<u64> {
        let mut delivered = Vec::new();
        for from in 0..3 {
            let datagrams = self.nodes[from].datagrams();
            assert!(datagrams.len() <= MAX_DATAGRAMS_PER_STEP, "{} datagrams at unique", datagrams.len());
            for datagram in datagrams {
                if self.kept.len() < MAX_KEPT_DATAGRAMS {
                    self.kept.push(datagram.bytes.clone());
                }
                if let Some(to) = datagram.to.direct()
                    && self.in_flight.len() < MAX_DATAGRAMS_PER_STEP
                {
                    self.in_flight.push((from, to, datagram.bytes));
                }
            }
            self.nodes[from].events();
            let packets = self.nodes[from].core.packets();
            let genuine = packets.iter().filter(|packet| packet.get(9) == Some(&253));
            let arrived: Vec<u64> = genuine.map(number).collect();
            packets.clear();
            assert!(
                arrived.iter().all(|number| (1..=self.sent).contains(number)),
                "delivered but never sent: {arrived:?}"
            );
            delivered.extend(arrived);
        }
        let mut unique = delivered.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), delivered.len(), "delivered twice");
        delivered
    }

    /// Sends packets from `one` to `other` until one arrives.
    fn assert_reachable(&mut self, one: usize, other: usize) {
        let end = self.now + RECONNECT_TIMEOUT;
        while self.now < end {
            let number = self.send(one, other);
            for _ in 0..8 {
                let arrived = self.collect();
                if arrived.contains(&number) {
                    return;
                }
                for (from, to, datagram) in std::mem::take(&mut self.in_flight) {
                    self.arrive(from, to, &datagram);
                }
            }
            self.now += Duration::from_millis(250);
            self.nodes.iter_mut().for_each(|node| node.core.tick(self.now));
        }
        panic!("{one} cannot reach {other} any more");
    }
}

fn stranger() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 66], 666))
}
