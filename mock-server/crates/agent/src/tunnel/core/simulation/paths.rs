//! Direct paths and a relay that open and close, against a model: a packet arrives if for some time before it a path was
//! open throughout and none closed.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Network, Open};
use crate::tunnel::core::Place;

/// What the nodes need to find the path that is open.
const SETTLED: Duration = Duration::from_secs(5);

/// Time between two packets of each node.
const STEP: Duration = Duration::from_millis(200);

/// Two nodes that have met, with a relay between.
fn network(seed: u64, relays: [bool; 2]) -> Network {
    let mut network = Network::new(seed);
    network.nodes.truncate(2);
    network.flights.clear();
    for (node, relay) in network.nodes.iter_mut().zip(relays) {
        node.relay = relay;
    }
    network.open = Open { direct: true, relay: true };
    network.trouble.longest_delay = 40;
    (0..2).for_each(|node| network.publish(node));
    network.wait(Duration::from_secs(3));
    network
}

/// Both send for so long, now and then; the numbers of what they sent.
fn talk(network: &mut Network, time: Duration) -> Vec<(u64, Instant)> {
    let end = network.now + time;
    let mut sent = Vec::new();
    while network.now < end {
        sent.extend([(0, 1), (1, 0)].map(|(from, to)| (network.send(from, to), network.now)));
        network.wait(STEP);
    }
    sent
}

fn place(network: &mut Network, of: usize) -> Option<Place> {
    let address = network.nodes[of].address;
    network.nodes[1 - of].core.peer_state(address).unwrap().place
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_packet_arrives_if_a_path_was_open_and_none_had_just_closed(
        seed: u64,
        phases in prop::collection::vec((any::<bool>(), any::<bool>(), 0u64..12_000, any::<bool>()), 1..12),
    ) {
        let mut network = network(seed, [true, true]);
        for (direct, relay, milliseconds, silent) in phases {
            network.open = Open { direct, relay };
            let begun = network.now;
            let time = Duration::from_millis(milliseconds);
            if silent {
                network.wait(time);
                continue;
            }
            let sent = talk(&mut network, time);
            for (number, when) in sent {
                // Later than this nothing is on its way any more.
                let landed = when + Duration::from_millis(100) <= network.now;
                if (direct || relay) && when >= begun + SETTLED && landed {
                    prop_assert!(network.arrivals.contains_key(&number), "packet {number} is lost");
                }
            }
        }
    }
}

#[test]
fn a_path_that_closes_is_left_within_seconds_and_taken_again_when_it_opens() {
    let mut network = network(1, [true, true]);
    talk(&mut network, Duration::from_secs(5));
    assert_eq!(place(&mut network, 1).and_then(Place::direct), Some(network.nodes[1].place));

    network.open.direct = false;
    let sent = talk(&mut network, Duration::from_secs(10));
    let closed = sent[0].1;
    let lost = sent.iter().filter(|(number, _)| !network.arrivals.contains_key(number));
    let longest = lost.map(|(_, when)| *when - closed).max().unwrap();
    assert!(longest < Duration::from_millis(2500), "{longest:?}");
    assert!(place(&mut network, 1).and_then(Place::region).is_some());

    network.open.direct = true;
    let sent = talk(&mut network, Duration::from_secs(5));
    assert_eq!(place(&mut network, 1).and_then(Place::direct), Some(network.nodes[1].place));
    let last = sent.last().map(|(_, when)| *when).unwrap();
    let arrived =
        sent.iter().filter(|(_, when)| *when < last).all(|(number, _)| network.arrivals.contains_key(number));
    assert!(arrived, "nothing is lost on the way back");
}

#[test]
fn after_a_silence_the_way_is_found_as_soon() {
    let mut network = network(6, [true, true]);
    let direct = |network: &mut Network| place(network, 1).and_then(Place::direct).is_some();
    for open in [false, true, false, true] {
        network.wait(Duration::from_secs(13));
        network.open.direct = open;
        talk(&mut network, Duration::from_secs(5));
        assert_eq!(direct(&mut network), open);
    }
}

#[test]
fn a_relay_that_goes_disturbs_nothing_that_is_direct() {
    let mut network = network(2, [true, true]);
    network.open.relay = false;
    let sent = talk(&mut network, Duration::from_secs(10));
    network.wait(Duration::from_millis(100));
    assert!(sent.iter().all(|(number, _)| network.arrivals.contains_key(number)));
}

#[test]
fn a_healthy_direct_path_is_never_left() {
    let mut network = network(3, [true, true]);
    talk(&mut network, Duration::from_secs(2));
    for _ in 0..300 {
        talk(&mut network, STEP);
        for node in 0..2 {
            assert_eq!(place(&mut network, node).and_then(Place::direct), Some(network.nodes[node].place));
        }
    }
}

#[test]
fn a_machine_without_a_relay_goes_on_as_before() {
    let mut network = network(4, [true, false]);
    let sent = talk(&mut network, Duration::from_secs(30));
    network.wait(Duration::from_millis(100));
    assert!(sent.iter().all(|(number, _)| network.arrivals.contains_key(number)));
}

#[test]
fn two_that_use_relays_only_never_send_directly() {
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
    assert!(place(&mut network, 0).and_then(Place::region).is_some());
    assert!(network.flights.iter().all(|flight| flight.to.direct().is_none()));
}
