//! Tests of a node under attack: noise, forgeries, replays, floods and misbehaving peers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::StaticSecret;
use proptest::prelude::*;

use super::node::{Node, converse, packet, pair};
use super::peer::PeerSettings;
use super::{DropReason, Event, PeerPath};

fn stranger() -> PeerPath {
    SocketAddr::from(([198, 51, 100, 66], 666)).into()
}

/// Asserts that the two nodes still exchange packets and still know each other's path.
fn assert_still_connected(one: &mut Node, other: &mut Node, now: Instant) {
    let path = one.core.peer_state(other.address).unwrap().path;
    assert_eq!(path, Some(other.endpoint.into()), "noise does not change the path");
    other.datagrams();
    one.core.send(&packet(one.address, other.address, 77), now);
    converse(one, other, now);
    assert_eq!(other.arrived(), [77]);
    other.core.send(&packet(other.address, one.address, 78), now);
    converse(one, other, now);
    assert_eq!(one.arrived(), [78]);
}

/// Returns two connected nodes and all messages that they exchanged.
fn captured(now: Instant) -> (Node, Node, Vec<Vec<u8>>) {
    let (mut one, mut other) = (Node::new(1, now), Node::new(2, now));
    one.knows(&other, now);
    other.knows(&one, now);
    let mut messages = Vec::new();
    one.core.send(&packet(one.address, other.address, 1), now);
    for _ in 0..4 {
        let (there, back) = (one.datagrams(), other.datagrams());
        there.iter().for_each(|datagram| other.core.receive(one.endpoint.into(), &datagram.bytes, now));
        back.iter().for_each(|datagram| one.core.receive(other.endpoint.into(), &datagram.bytes, now));
        messages.extend(there.into_iter().chain(back).map(|datagram| datagram.bytes));
    }
    assert_eq!(other.arrived(), [1]);
    one.events();
    other.events();
    (one, other, messages)
}

#[test]
fn datagrams_from_the_tailnet_are_dropped() {
    let now = Instant::now();
    let (mut one, mut other) = pair(now);
    let inside = SocketAddr::from((other.address, 51820));
    other.core.send(&packet(other.address, one.address, 7), now);
    for datagram in other.datagrams() {
        one.core.receive(inside.into(), &datagram.bytes, now);
    }
    assert!(one.arrived().is_empty());
    assert!(one.events().contains(&Event::Dropped(DropReason::FromTailnet)));
    assert_still_connected(&mut one, &mut other, now);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn noise_is_dropped(datagrams in prop::collection::vec(noise_datagram(), 1..40)) {
        let now = Instant::now();
        let (mut one, mut other) = pair(now);
        for datagram in &datagrams {
            one.core.receive(stranger(), datagram, now);
            one.core.send(datagram, now);
        }
        prop_assert!(one.arrived().is_empty());
        one.events();
        assert_still_connected(&mut one, &mut other, now);
    }

    #[test]
    fn replayed_truncated_and_altered_messages_are_dropped(
        wrongs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..=255, any::<bool>()), 1..40),
    ) {
        let now = Instant::now();
        let (mut one, mut other, messages) = captured(now);
        for (which, position, change, cut) in &wrongs {
            let mut message = which.get(&messages).clone();
            let position = position.index(message.len());
            message[position] ^= change;
            message.truncate(if *cut { position } else { message.len() });
            one.core.receive(stranger(), &message, now);
            other.core.receive(stranger(), &message, now);
        }
        prop_assert!(one.arrived().is_empty() && other.arrived().is_empty(), "a replay was delivered");
        one.events();
        assert_still_connected(&mut one, &mut other, now);
    }
}

/// Random datagrams, some of which have a valid message type and an existing receiver index.
fn noise_datagram() -> impl Strategy<Value = Vec<u8>> {
    let shaped = (1u8..=4, 0u8..12, prop::sample::select(vec![32usize, 64, 92, 148, 1400]), any::<u64>());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        shaped.prop_map(|(kind, session, length, filling)| {
            let mut bytes: Vec<u8> = filling.to_le_bytes().into_iter().cycle().take(length).collect();
            bytes[..8].copy_from_slice(&[kind, 0, 0, 0, session, 1, 0, 0]);
            bytes
        }),
    ]
}

#[test]
fn packets_with_a_foreign_source_are_dropped() {
    let now = Instant::now();
    let (mut one, mut other) = pair(now);
    let mut third = Node::new(3, now);
    other.knows(&third, now);
    third.datagrams();
    other.events();
    one.core.send(&packet(third.address, other.address, 5), now);
    converse(&mut one, &mut other, now);
    assert!(other.arrived().is_empty());
    assert!(other.events().contains(&Event::Dropped(DropReason::SpoofedSource)));
    assert_still_connected(&mut one, &mut other, now);
}

#[test]
fn removed_peer_is_cut_off_and_its_address_can_be_reassigned() {
    let now = Instant::now();
    let (mut one, mut other) = pair(now);
    one.core.remove_peer(&other.key());
    one.events();
    other.core.send(&packet(other.address, one.address, 5), now);
    converse(&mut one, &mut other, now);
    assert!(one.arrived().is_empty());
    assert_eq!(one.events()[..1], [Event::Dropped(DropReason::UnknownPeer)]);
    one.core.send(&packet(one.address, other.address, 6), now);
    assert_eq!(one.events(), [Event::Dropped(DropReason::UnknownPeer)]);

    let mut successor = Node::new(4, now);
    successor.address = other.address;
    successor.knows(&one, now);
    one.knows(&successor, now);
    one.core.send(&packet(one.address, successor.address, 7), now);
    converse(&mut one, &mut successor, now);
    assert_eq!(successor.arrived(), [7]);
}

#[test]
fn nothing_is_sent_to_a_peer_without_an_endpoint() {
    let now = Instant::now();
    let (mut one, other) = (Node::new(1, now), Node::new(2, now));
    let nowhere = PeerSettings { endpoints: Vec::new(), ..other.settings() };
    one.core.set_peer(other.key(), nowhere, now);
    one.core.send(&packet(one.address, other.address, 1), now);
    one.core.tick(now + Duration::from_secs(30));
    assert_eq!(one.events(), [Event::Dropped(DropReason::NoEndpoint)]);
    assert!(one.datagrams().is_empty());
}

#[test]
fn queue_of_packets_without_a_session_is_bounded() {
    let now = Instant::now();
    let (mut one, mut other) = (Node::new(1, now), Node::new(2, now));
    one.knows(&other, now);
    for number in 0..1000 {
        one.core.send(&packet(one.address, other.address, number), now);
    }
    other.knows(&one, now);
    converse(&mut one, &mut other, now);
    assert_eq!(other.arrived(), (968..1000).collect::<Vec<u64>>(), "the last 32");
}

#[test]
fn honest_peer_connects_during_a_flood() {
    let now = Instant::now();
    let (mut one, mut honest) = (Node::new(1, now), Node::new(2, now));
    one.knows(&honest, now);
    one.datagrams();
    let mut buffer = [0; 148];
    for number in 0..300u16 {
        let mut private = [9; 32];
        private[..2].copy_from_slice(&number.to_le_bytes());
        let mut foreign = Tunn::new(StaticSecret::from(private), one.key(), None, None, 1, None);
        let TunnResult::WriteToNetwork(initiation) = foreign.format_handshake_initiation(&mut buffer, false)
        else {
            panic!("no initiation")
        };
        one.core.receive(stranger(), initiation, now);
    }
    let dropped = one.events();
    assert!(dropped.contains(&Event::Dropped(DropReason::UnknownPeer)));
    assert_eq!(dropped.last(), Some(&Event::Dropped(DropReason::UnderLoad)));
    one.datagrams();

    honest.knows(&one, now);
    honest.core.send(&packet(honest.address, one.address, 1), now);
    converse(&mut one, &mut honest, now);
    assert!(one.arrived().is_empty(), "first it receives a cookie");
    let later = now + Duration::from_secs(1);
    honest.core.tick(later);
    converse(&mut one, &mut honest, later);
    assert_eq!(one.arrived(), [1]);
}
