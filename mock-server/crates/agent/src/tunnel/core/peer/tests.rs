//! Machines that sign off and come back.

use std::time::{Duration, Instant};

use super::*;
use crate::tunnel::core::Core;
use crate::tunnel::core::node::{Node, converse, packet, pair};

/// The network map says that `other` has signed off.
fn sign_off(one: &mut Node, other: &Node, now: Instant) {
    let settings = PeerSettings { online: false, endpoints: Vec::new(), relay: None, ..other.settings() };
    one.core.set_peer(other.key(), settings, now);
}

/// Whether `one` knows a path to `other`, and which.
fn path(one: &mut Node, other: &Node) -> (bool, Option<PeerPath>) {
    let state = one.core.peer_state(other.address).unwrap();
    (state.reachable, state.path)
}

#[test]
fn what_was_sent_before_a_sign_off_does_not_bring_a_machine_back() {
    let now = Instant::now();
    let (mut one, mut other) = pair(now);
    other.core.send(&packet(other.address, one.address, 7), now);
    let data = other.datagrams();
    let mut restarted = Node::new(2, now);
    restarted.knows(&one, now);
    restarted.core.send(&packet(other.address, one.address, 8), now);
    let initiation = restarted.datagrams();
    sign_off(&mut one, &other, now);
    for late in data.iter().chain(&initiation) {
        one.core.receive(other.endpoint.into(), &late.bytes, now);
        assert_eq!(path(&mut one, &other), (false, None));
    }
    assert_eq!(one.arrived(), [7], "the last data is still delivered");
    assert_eq!(one.datagrams().len(), initiation.len(), "the machine may be back, which its answer shows");
    one.core.tick(now + Duration::from_secs(5));
    assert!(one.datagrams().is_empty(), "handshakes with nobody");
}

#[test]
fn a_late_response_does_not_bring_a_machine_back() {
    let now = Instant::now();
    let (mut one, mut other) = (Node::new(1, now), Node::new(2, now));
    other.knows(&one, now);
    one.knows(&other, now);
    one.core.send(&packet(one.address, other.address, 0), now);
    for initiation in one.datagrams() {
        other.core.receive(one.endpoint.into(), &initiation.bytes, now);
    }
    let responses = other.datagrams();
    sign_off(&mut one, &other, now);
    assert!(!responses.is_empty());
    responses.iter().for_each(|late| one.core.receive(other.endpoint.into(), &late.bytes, now));
    assert_eq!(path(&mut one, &other), (false, None));
}

#[test]
fn a_machine_that_is_back_is_reached_before_the_map_says_so_and_forgotten_once_it_is_silent() {
    let now = Instant::now();
    let (mut one, other) = pair(now);
    sign_off(&mut one, &other, now);
    let mut back = Node::new(2, now);
    back.knows(&one, now);
    back.core.send(&packet(back.address, one.address, 1), now);
    converse(&mut one, &mut back, now);
    assert_eq!(one.arrived(), [1]);
    assert_eq!(path(&mut one, &back), (true, Some(back.endpoint.into())));
    one.core.send(&packet(one.address, back.address, 2), now);
    converse(&mut one, &mut back, now);
    assert_eq!(back.arrived(), [2]);

    let Core { peers, buffer, output, .. } = &mut one.core;
    peers.by_key(&back.key()).unwrap().give_up(&mut Turn { now, buffer, output });
    assert_eq!(path(&mut one, &back), (false, None));
}
