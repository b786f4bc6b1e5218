//! Direct paths and a relay that open and close: a packet arrives if a path has been open for some time before it and
//! none has closed.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Network, OpenPaths};
use crate::tunnel::core::PeerPath;

/// Time in which the nodes find the open path.
const SETTLED: Duration = Duration::from_secs(5);

/// Time between packets of each node.
const STEP: Duration = Duration::from_millis(200);

/// Returns a network of two connected nodes with a relay.
fn network(seed: u64, relays: [bool; 2]) -> Network {
    let mut network = Network::new(seed);
    network.nodes.truncate(2);
    network.in_flight.clear();
    for (node, relay) in network.nodes.iter_mut().zip(relays) {
        node.relay = relay;
    }
    network.open = OpenPaths { direct: true, relay: true };
    network.faults.max_delay_millis = 40;
    (0..2).for_each(|node| network.publish(node));
    network.wait(Duration::from_secs(3));
    network
}

/// Lets both nodes send packets for `time` and returns the packets' numbers and send times.
fn talk(network: &mut Network, time: Duration) -> Vec<(u64, Instant)> {
    let end = network.now + time;
    let mut sent = Vec::new();
    while network.now < end {
        sent.extend([(0, 1), (1, 0)].map(|(from, to)| (network.send(from, to), network.now)));
        network.wait(STEP);
    }
    sent
}

fn path(network: &mut Network, of: usize) -> Option<PeerPath> {
    let address = network.nodes[of].address;
    network.nodes[1 - of].core.peer_state(address).unwrap().path
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn packets_arrive_while_an_open_path_is_stable(
        seed: u64,
        phases in prop::collection::vec((any::<bool>(), any::<bool>(), 0u64..12_000, any::<bool>()), 1..12),
    ) {
        let mut network = network(seed, [true, true]);
        for (direct, relay, milliseconds, silent) in phases {
            network.open = OpenPaths { direct, relay };
            let begun = network.now;
            let time = Duration::from_millis(milliseconds);
            if silent {
                network.wait(time);
                continue;
            }
            let sent = talk(&mut network, time);
            for (number, when) in sent {
                // Anything sent earlier has arrived or is lost.
                let landed = when + Duration::from_millis(100) <= network.now;
                if (direct || relay) && when >= begun + SETTLED && landed {
                    prop_assert!(network.arrivals.contains_key(&number), "packet {number} is lost");
                }
            }
        }
    }
}

#[test]
fn closed_path_is_left_within_seconds_and_reused_once_open() {
    let mut network = network(1, [true, true]);
    talk(&mut network, Duration::from_secs(5));
    assert_eq!(path(&mut network, 1).and_then(PeerPath::direct), Some(network.nodes[1].endpoint));

    network.open.direct = false;
    let sent = talk(&mut network, Duration::from_secs(10));
    let closed = sent[0].1;
    let lost = sent.iter().filter(|(number, _)| !network.arrivals.contains_key(number));
    let longest = lost.map(|(_, when)| *when - closed).max().unwrap();
    assert!(longest < Duration::from_millis(2500), "{longest:?}");
    assert!(path(&mut network, 1).and_then(PeerPath::region).is_some());

    network.open.direct = true;
    let sent = talk(&mut network, Duration::from_secs(5));
    assert_eq!(path(&mut network, 1).and_then(PeerPath::direct), Some(network.nodes[1].endpoint));
    let last = sent.last().map(|(_, when)| *when).unwrap();
    let arrived =
        sent.iter().filter(|(_, when)| *when < last).all(|(number, _)| network.arrivals.contains_key(number));
    assert!(arrived, "nothing is lost when switching back");
}

#[test]
fn path_is_found_quickly_after_a_silence() {
    let mut network = network(6, [true, true]);
    let direct = |network: &mut Network| path(network, 1).and_then(PeerPath::direct).is_some();
    for open in [false, true, false, true] {
        network.wait(Duration::from_secs(13));
        network.open.direct = open;
        talk(&mut network, Duration::from_secs(5));
        assert_eq!(direct(&mut network), open);
    }
}

#[test]
fn relay_outage_does_not_affect_direct_paths() {
    let mut network = network(2, [true, true]);
    network.open.relay = false;
    let sent = talk(&mut network, Duration::from_secs(10));
    network.wait(Duration::from_millis(100));
    assert!(sent.iter().all(|(number, _)| network.arrivals.contains_key(number)));
}

#[test]
fn working_direct_path_is_never_left() {
    let mut network = network(3, [true, true]);
    talk(&mut network, Duration::from_secs(2));
    for _ in 0..300 {
        talk(&mut network, STEP);
        for node in 0..2 {
            assert_eq!(
                path(&mut network, node).and_then(PeerPath::direct),
                Some(network.nodes[node].endpoint)
            );
        }
    }
}

#[test]
fn machine_without_a_relay_stays_connected() {
    let mut network = network(4, [true, false]);
    let sent = talk(&mut network, Duration::from_secs(30));
    network.wait(Duration::from_millis(100));
    assert!(sent.iter().all(|(number, _)| network.arrivals.contains_key(number)));
}

#[test]
fn relay_only_nodes_never_send_directly() {
    let mut network = network(5, [true, true]);
    for node in 0..2 {
        network.nodes[node].core = super::Core::new(network.nodes[node].private.clone(), network.now);
        network.nodes[node].core.use_relays_only();
    }
    (0..2).for_each(|node| network.publish(node));
    network.wait(Duration::from_secs(2));
    let sent = talk(&mut network, Duration::from_secs(10));
    network.wait(Duration::from_millis(100));
    assert!(sent.iter().all(|(number, _)| network.arrivals.contains_key(number)));
    assert!(path(&mut network, 0).and_then(PeerPath::region).is_some());
    assert!(network.in_flight.iter().all(|flight| flight.to.direct().is_none()));
}
