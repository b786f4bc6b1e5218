//! Plays a script, any bytes at all, to a node that knows two peers.
//!
//! | first byte of a step, modulo 8 | the step |
//! |-|-|
//! | 0, 1 | a datagram from a stranger: its length (2 bytes, little-endian), then its bytes |
//! | 2, 3 | a datagram one of the three sent before, perhaps altered, cut short, or from elsewhere: which, where, a mask, from where |
//! | 4 | time passes: how much (1 byte, tens of milliseconds; above 127: seconds less 127) |
//! | 5 | one of the three sends a packet to another: who (1 byte) |
//! | 6 | the node is given a packet to send: its length (1 byte), then its bytes |
//! | 7 | what is under way arrives, or is lost: 1 byte |

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::node::{Node, number, packet};

/// Steps beyond are not played: a script shall be quick.
const MOST_STEPS: usize = 256;

/// Datagrams sent before that can be sent again.
const MOST_KEPT: usize = 64;

/// More than a step may make a node send: every known peer's handshakes and the packets that waited for them.
const MOST_AT_ONCE: usize = 128;

/// Enough for two that know each other to find each other again, whatever was done to them.
const PATIENCE: Duration = Duration::from_secs(120);

struct Stage {
    /// The node itself, and its two peers.
    nodes: [Node; 3],
    now: Instant,
    /// From which node, to where, what.
    flying: Vec<(usize, SocketAddr, Vec<u8>)>,
    kept: Vec<Vec<u8>>,
    sent: u64,
}

/// Reads the script.
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

/// Plays it.
///
/// # Panics
/// If something forged is delivered, something piles up, or the peers cannot talk afterwards.
pub(crate) fn run(script: &[u8]) {
    let mut stage = Stage::new();
    let mut reader = Reader(script);
    for _ in 0..MOST_STEPS {
        if stage.step(&mut reader).is_none() {
            break;
        }
        stage.collect();
    }
    stage.flying.clear();
    for other in [1, 2] {
        stage.meet(0, other);
        stage.meet(other, 0);
    }
}

impl Stage {
    fn new() -> Self {
        let now = Instant::now();
        let mut nodes = [1, 2, 3].map(|number| Node::new(number, now));
        for (one, other) in [(0, 1), (0, 2), (1, 0), (2, 0), (1, 2), (2, 1)] {
            let (key, settings) = (nodes[other].key(), nodes[other].settings());
            nodes[one].core.set_peer(key, settings, now);
        }
        let mut stage = Self { nodes, now, flying: Vec::new(), kept: Vec::new(), sent: 0 };
        stage.collect();
        stage
    }

    fn step(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        match reader.byte()? % 8 {
            0 | 1 => {
                let length = u16::from_le_bytes([reader.byte()?, reader.byte()?]);
                let datagram = reader.bytes(length.into());
                self.nodes[0].core.receive(stranger().into(), datagram, self.now);
            }
            2 | 3 => self.again(reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?),
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
                // Told apart from the honest ones by its protocol.
                if let Some(protocol) = packet.get_mut(9) {
                    *protocol = 17;
                }
                self.nodes[0].core.send(&packet, self.now);
            }
            _ => {
                let lost = reader.byte()?;
                let flying = std::mem::take(&mut self.flying);
                for (number, (from, to, datagram)) in flying.into_iter().enumerate() {
                    if lost & (1 << (number % 8)) == 0 {
                        self.arrive(from, to, &datagram);
                    }
                }
            }
        }
        Some(())
    }

    /// Sends one of the kept datagrams to the node again, in another shape.
    fn again(&mut self, which: u8, place: u8, mask: u8, from: u8) {
        let Some(mut datagram) = self.kept.get(usize::from(which) % self.kept.len().max(1)).cloned() else {
            return;
        };
        let place = usize::from(place) % datagram.len().max(1);
        if let Some(byte) = datagram.get_mut(place) {
            *byte ^= mask;
        }
        if from & 0x80 != 0 {
            datagram.truncate(place);
        }
        let from = [stranger(), self.nodes[1].place, self.nodes[2].place][usize::from(from & 0x7f) % 3];
        self.nodes[0].core.receive(from.into(), &datagram, self.now);
    }

    fn send(&mut self, from: usize, to: usize) -> u64 {
        self.sent += 1;
        let (source, destination) = (self.nodes[from].address, self.nodes[to].address);
        self.nodes[from].core.send(&packet(source, destination, self.sent), self.now);
        self.sent
    }

    fn arrive(&mut self, from: usize, to: SocketAddr, datagram: &[u8]) {
        let place = self.nodes[from].place;
        if let Some(node) = self.nodes.iter_mut().find(|node| node.place == to) {
            node.core.receive(place.into(), datagram, self.now);
        }
    }

    /// Takes what the nodes send, and looks at what they deliver.
    fn collect(&mut self) -> Vec<u64> {
        let mut delivered = Vec::new();
        for from in 0..3 {
            let datagrams = self.nodes[from].datagrams();
            assert!(datagrams.len() <= MOST_AT_ONCE, "{} datagrams at once", datagrams.len());
            for datagram in datagrams {
                if self.kept.len() < MOST_KEPT {
                    self.kept.push(datagram.bytes.clone());
                }
                if let Some(to) = datagram.to.direct()
                    && self.flying.len() < MOST_AT_ONCE
                {
                    self.flying.push((from, to, datagram.bytes));
                }
            }
            self.nodes[from].events();
            let packets = self.nodes[from].core.packets();
            let honest = packets.iter().filter(|packet| packet.get(9) == Some(&253));
            let arrived: Vec<u64> = honest.map(number).collect();
            packets.clear();
            assert!(arrived.iter().all(|number| (1..=self.sent).contains(number)), "never sent: {arrived:?}");
            delivered.extend(arrived);
        }
        let mut once = delivered.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), delivered.len(), "delivered twice");
        delivered
    }

    /// The one reaches the other.
    fn meet(&mut self, one: usize, other: usize) {
        let end = self.now + PATIENCE;
        while self.now < end {
            let number = self.send(one, other);
            for _ in 0..8 {
                let arrived = self.collect();
                if arrived.contains(&number) {
                    return;
                }
                for (from, to, datagram) in std::mem::take(&mut self.flying) {
                    self.arrive(from, to, &datagram);
                }
            }
            self.now += Duration::from_millis(250);
            self.nodes.iter_mut().for_each(|node| node.core.tick(self.now));
        }
        panic!("{one} does not reach {other} any more");
    }
}

fn stranger() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 66], 666))
}
