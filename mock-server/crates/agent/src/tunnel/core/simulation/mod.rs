//! Nodes on a simulated network that loses, duplicates, delays and reorders datagrams. A packet arrives at most once and
//! only at its destination, and it does arrive once the network is reliable again.

mod access;
mod paths;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::node::{Node, packet, region};
use super::{Core, PeerPath};

const NODES: usize = 3;

const STEP: Duration = Duration::from_millis(10);

#[derive(Debug, Clone)]
enum Action {
    Send {
        from: usize,
        to: usize,
    },
    Wait {
        milliseconds: u64,
    },
    /// The node's NAT assigns another port without notice.
    Move {
        node: usize,
    },
    /// The network map publishes the node's endpoint.
    Publish {
        node: usize,
    },
    /// The node loses its sessions.
    Restart {
        node: usize,
    },
    Faults(Faults),
}

#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    lost_percent: u32,
    duplicated_percent: u32,
    max_delay_millis: u64,
}

struct Flight {
    arrives: Instant,
    from: usize,
    to: PeerPath,
    bytes: Vec<u8>,
}

/// Which kinds of paths work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OpenPaths {
    direct: bool,
    relay: bool,
}

impl Default for OpenPaths {
    fn default() -> Self {
        Self { direct: true, relay: false }
    }
}

struct Network {
    nodes: Vec<Node>,
    in_flight: Vec<Flight>,
    faults: Faults,
    open: OpenPaths,
    rng: StdRng,
    now: Instant,
    /// The destination of each packet, indexed by its number.
    destinations: Vec<usize>,
    arrivals: HashMap<u64, usize>,
}

impl Network {
    fn new(seed: u64) -> Self {
        let now = Instant::now();
        let mut network = Self {
            nodes: (1..=3).map(|number| Node::new(number, now)).collect(),
            in_flight: Vec::new(),
            faults: Faults::default(),
            open: OpenPaths::default(),
            rng: StdRng::seed_from_u64(seed),
            now,
            destinations: Vec::new(),
            arrivals: HashMap::new(),
        };
        (0..NODES).for_each(|node| network.publish(node));
        network
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Send { from, to } => {
                self.send(from, to);
            }
            Action::Wait { milliseconds } => self.wait(Duration::from_millis(milliseconds)),
            Action::Move { node } => {
                let endpoint = &mut self.nodes[node].endpoint;
                endpoint.set_port(endpoint.port() + 1);
            }
            Action::Publish { node } => self.publish(node),
            Action::Restart { node } => {
                self.nodes[node].core = Core::new(self.nodes[node].private.clone(), self.now);
                for other in (0..self.nodes.len()).filter(|other| *other != node) {
                    self.introduce(other, node);
                }
            }
            Action::Faults(faults) => self.faults = faults,
        }
    }

    fn publish(&mut self, node: usize) {
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            self.introduce(node, other);
        }
    }

    /// Adds `who` to the peers of `to`.
    fn introduce(&mut self, who: usize, to: usize) {
        let (key, settings) = (self.nodes[who].key(), self.nodes[who].settings());
        self.nodes[to].core.set_peer(key, settings, self.now);
        self.collect(to);
    }

    fn send(&mut self, from: usize, to: usize) -> u64 {
        let number = u64::try_from(self.destinations.len()).unwrap();
        self.destinations.push(to);
        let packet = packet(self.nodes[from].address, self.nodes[to].address, number);
        self.nodes[from].core.send(&packet, self.now);
        self.collect(from);
        number
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            let now = self.now;
            let (due, later) = self.in_flight.drain(..).partition(|flight: &Flight| flight.arrives <= now);
            self.in_flight = later;
            for flight in due {
                let Some((node, from)) = self.arrival(&flight) else { continue };
                self.nodes[node].core.receive(from, &flight.bytes, now);
                self.collect(node);
            }
            for node in 0..self.nodes.len() {
                self.nodes[node].core.tick(now);
                self.collect(node);
            }
        }
    }

    /// Returns who receives the datagram and which path it appears to come from.
    fn arrival(&self, flight: &Flight) -> Option<(usize, PeerPath)> {
        let sender = &self.nodes[flight.from];
        let destination = |found: &dyn Fn(&Node) -> bool| self.nodes.iter().position(found);
        match flight.to {
            PeerPath::Direct(_) if !self.open.direct => None,
            PeerPath::Direct(address) => {
                Some((destination(&|node| node.endpoint == address)?, sender.endpoint.into()))
            }
            PeerPath::Relayed { .. } if !self.open.relay => None,
            PeerPath::Relayed { peer, .. } => {
                let from = PeerPath::Relayed { region: region(), peer: sender.key() };
                Some((destination(&|node| node.key() == peer)?, from))
            }
        }
    }

    /// Collects the datagrams that the node sends and the packets that it has received.
    fn collect(&mut self, node: usize) {
        self.nodes[node].events();
        for number in self.nodes[node].arrived() {
            let destination = self.destinations[usize::try_from(number).unwrap()];
            assert_eq!(destination, node, "packet {number} went to the wrong node");
            assert_eq!(self.arrivals.insert(number, node), None, "packet {number} arrived twice");
        }
        for datagram in self.nodes[node].datagrams() {
            let copies = 1 + u32::from(self.happens(self.faults.duplicated_percent));
            for _ in 0..copies {
                if self.happens(self.faults.lost_percent) {
                    continue;
                }
                let delay = self.rng.random_range(0..=self.faults.max_delay_millis);
                let arrives = self.now + Duration::from_millis(delay);
                self.in_flight.push(Flight {
                    arrives,
                    from: node,
                    to: datagram.to,
                    bytes: datagram.bytes.clone(),
                });
            }
        }
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }
}

fn action() -> impl Strategy<Value = Action> {
    let node = || 0..NODES;
    prop_oneof![
        6 => (node(), 1..NODES).prop_map(|(from, step)| Action::Send { from, to: (from + step) % NODES }),
        4 => (0u64..3000).prop_map(|milliseconds| Action::Wait { milliseconds }),
        1 => node().prop_map(|node| Action::Move { node }),
        1 => node().prop_map(|node| Action::Publish { node }),
        1 => node().prop_map(|node| Action::Restart { node }),
        1 => (0u32..=100, 0u32..50, 0u64..2000).prop_map(|(lost_percent, duplicated_percent, max_delay_millis)| {
            Action::Faults(Faults { lost_percent, duplicated_percent, max_delay_millis })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn packets_arrive_once_and_reliably_after_recovery(
        seed: u64,
        actions in prop::collection::vec(action(), 1..40),
    ) {
        let mut network = Network::new(seed);
        actions.iter().for_each(|action| network.act(action));

        network.faults = Faults::default();
        (0..NODES).for_each(|node| network.publish(node));
        // Covers datagrams in flight, the silence after which a session is renewed, and the longest retry interval.
        let mut last = Vec::new();
        for _ in 0..25 {
            let pairs = (0..NODES).flat_map(|from| (1..NODES).map(move |step| (from, (from + step) % NODES)));
            last = pairs.map(|(from, to)| network.send(from, to)).collect();
            network.wait(Duration::from_secs(1));
        }
        for number in last {
            prop_assert!(network.arrivals.contains_key(&number), "packet {} is lost", number);
        }
    }
}

#[test]
fn machines_started_a_second_apart_connect_immediately() {
    for seed in 0..20 {
        let mut network = Network::new(seed);
        network.faults.max_delay_millis = 40;
        network.wait(Duration::from_millis(1000));
        let number = network.send(1, 0);
        network.wait(Duration::from_millis(100));
        assert!(network.arrivals.contains_key(&number));
    }
}
