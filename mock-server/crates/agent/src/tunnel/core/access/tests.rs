use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use ztna_protocol::access::{AccessRule, Policy};

use super::flows::Flows;
use super::*;

const OWN: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);

/// The filter of a machine with `tag:own` for a peer with `tag:peer`.
fn filter(rules: &[Value]) -> Filter {
    let mut filter = Filter::closed();
    filter.configure(&access(rules));
    filter
}

fn access(rules: &[Value]) -> Arc<PeerAccess> {
    let parse = |rule: &Value| AccessRule::parse(&serde_json::from_value(rule.clone()).unwrap()).unwrap();
    let policy = Policy::new(rules.iter().map(parse).collect());
    let (own, peer) = (["own".to_owned()], ["peer".to_owned()]);
    let (incoming, outgoing) = (policy.grants(&peer, &own), policy.grants(&own, &peer));
    Arc::new(PeerAccess { own_address: OWN, incoming, outgoing })
}

fn rule(src: &str, dst: &str, proto: &str) -> Value {
    json!({ "src": [src], "dst": [dst], "proto": proto })
}

fn ip(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 7, 0, 0, 64, protocol, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend(payload);
    packet
}

fn ports(from: u16, to: u16, rest: usize) -> Vec<u8> {
    let mut payload = [from.to_be_bytes(), to.to_be_bytes()].concat();
    payload.resize(4 + rest, 0);
    payload
}

/// What the peer sends to this machine.
fn tcp_in(from: u16, to: u16) -> Vec<u8> {
    ip(6, PEER, OWN, &ports(from, to, 16))
}

fn udp_in(from: u16, to: u16) -> Vec<u8> {
    ip(17, PEER, OWN, &ports(from, to, 4))
}

fn tcp_out(from: u16, to: u16) -> Vec<u8> {
    ip(6, OWN, PEER, &ports(from, to, 16))
}

fn echo(kind: u8, from: Ipv4Addr, to: Ipv4Addr, identifier: u8) -> Vec<u8> {
    ip(1, from, to, &[kind, 0, 0, 0, 0, identifier, 0, 1])
}

/// An ICMP error from the peer about a packet that this machine has sent.
fn unreachable(about: &[u8]) -> Vec<u8> {
    let mut payload = vec![3, 3, 0, 0, 0, 0, 0, 0];
    payload.extend(&about[..28]);
    ip(1, PEER, OWN, &payload)
}

/// A part of a packet that begins `offset` bytes after its first.
fn fragment(mut packet: Vec<u8>, offset: u16) -> Vec<u8> {
    packet[6..8].copy_from_slice(&(0x2000 | (offset / 8)).to_be_bytes());
    packet
}

#[test]
fn only_what_the_rules_name_comes_in() {
    let now = Instant::now();
    let ssh = [rule("tag:peer", "tag:own:22", "tcp")];
    let any = [rule("*", "*:*", "any")];
    let icmp = [rule("tag:peer", "tag:own:*", "icmp")];
    let other_way = [rule("tag:own", "tag:peer:22", "tcp")];
    let elsewhere = [rule("tag:third", "tag:own:*", "any")];
    let gre = ip(47, PEER, OWN, &[0; 8]);
    let not_ours = ip(6, PEER, Ipv4Addr::new(10, 0, 0, 1), &ports(1, 22, 16));
    // TCP to 22, TCP to 23, UDP to 22, echo request, GRE, through this machine to another.
    let packets =
        [tcp_in(40_000, 22), tcp_in(40_000, 23), udp_in(40_000, 22), echo(8, PEER, OWN, 1), gre, not_ours];
    let cases: [(&str, &[Value], [bool; 6]); 6] = [
        ("no rules", &[], [true; 6]),
        ("any", &any, [true; 6]),
        ("ssh", &ssh, [true, false, false, false, false, false]),
        ("icmp", &icmp, [false, false, false, true, false, false]),
        ("the other direction", &other_way, [false; 6]),
        ("other machines", &elsewhere, [false; 6]),
    ];
    for (name, rules, expected) in cases {
        let mut filter = filter(rules);
        let admitted = packets.each_ref().map(|packet| filter.admits(packet, now));
        assert_eq!(admitted, expected, "{name}");
        let denied = expected.iter().filter(|admitted| !**admitted).count();
        assert_eq!(filter.denied(), denied as u64, "{name}");
    }
    assert!(!Filter::closed().admits(&tcp_in(1, 22), now), "a peer of which nothing is known");
}

#[test]
fn answers_to_own_connections_come_in() {
    let now = Instant::now();
    let rules = [rule("tag:own", "tag:peer:22,53", "any")];
    let mut filter = filter(&rules);
    assert!(!filter.admits(&tcp_in(22, 40_000), now), "nothing was opened");
    assert!(filter.permits(&tcp_out(40_000, 22), now));
    let cases = [
        (tcp_in(22, 40_000), true, "the answer"),
        (tcp_in(22, 40_001), false, "another port here"),
        (tcp_in(23, 40_000), false, "another port there"),
        (udp_in(22, 40_000), false, "another protocol"),
        (unreachable(&tcp_out(40_000, 22)), true, "an error about it"),
        (unreachable(&tcp_out(40_001, 22)), false, "an error about nothing that was sent"),
        (echo(0, PEER, OWN, 7), false, "an answer to no ping"),
    ];
    for (packet, admitted, name) in &cases {
        assert_eq!(filter.admits(packet, now), *admitted, "{name}");
    }
    assert!(filter.permits(&echo(8, OWN, PEER, 7), now));
    assert!(filter.admits(&echo(0, PEER, OWN, 7), now));
    assert!(!filter.admits(&echo(0, PEER, OWN, 8), now), "another identifier");
    assert!(!filter.admits(&echo(8, PEER, OWN, 7), now), "a ping of the peer");
    assert!(!filter.permits(&tcp_out(40_000, 80), now), "a port that no rule names");
    assert_eq!(filter.denied(), 9);
}

#[test]
fn answers_to_the_peers_connections_go_out() {
    let now = Instant::now();
    let mut filter = filter(&[rule("tag:peer", "tag:own:22", "any")]);
    assert!(filter.permits(&tcp_out(22, 40_000), now));
    assert!(filter.permits(&echo(0, OWN, PEER, 1), now));
    assert!(!filter.permits(&tcp_out(40_000, 22), now), "a connection of its own");
    assert!(!filter.permits(&echo(8, OWN, PEER, 1), now), "a ping of its own");
    // What it has sent from its port 22 opens nothing.
    assert!(!filter.admits(&tcp_in(40_000, 23), now));
}

#[test]
fn new_rules_apply_to_connections_that_exist() {
    let now = Instant::now();
    let mut filter = filter(&[]);
    assert!(filter.permits(&tcp_out(40_000, 22), now) && filter.permits(&tcp_out(40_000, 80), now));
    filter.configure(&access(&[rule("tag:own", "tag:peer:22", "tcp")]));
    assert!(filter.admits(&tcp_in(22, 40_000), now), "opened before there were rules, and allowed");
    assert!(!filter.admits(&tcp_in(80, 40_000), now), "opened before there were rules, and not allowed");
    filter.configure(&access(&[rule("*", "tag:third:*", "any")]));
    assert!(!filter.admits(&tcp_in(22, 40_000), now) && !filter.permits(&tcp_out(40_000, 22), now));
    filter.configure(&access(&[]));
    assert!(filter.admits(&tcp_in(5, 5), now) && filter.permits(&tcp_out(5, 5), now));
}

#[test]
fn fragments_cannot_hide_what_they_are() {
    let now = Instant::now();
    let mut open_to_ssh = filter(&[rule("tag:peer", "tag:own:22", "tcp")]);
    let mut closed = filter(&[rule("*", "tag:third:*", "any")]);
    let later = ip(6, PEER, OWN, &[0; 64]);
    for (packet, admitted, name) in [
        (fragment(tcp_in(40_000, 22), 0), true, "the first"),
        (fragment(later.clone(), 1480), true, "a later one"),
        (fragment(later.clone(), 80), true, "after the longest headers"),
        (fragment(later.clone(), 8), false, "over the ports"),
        (fragment(later, 72), false, "over options"),
        (fragment(ip(6, PEER, OWN, &ports(40_000, 22, 4)), 0), false, "without the flags"),
        (ip(6, PEER, OWN, &[0, 1]), false, "without ports"),
        (ip(1, PEER, OWN, &[8]), false, "a part of an echo request"),
    ] {
        assert_eq!(open_to_ssh.admits(&packet, now), admitted, "{name}");
        assert!(!closed.admits(&packet, now), "{name}, where nothing is allowed");
    }
    for noise in [&[][..], &[0x45; 19], &[0x65; 40], &[0x41; 40]] {
        assert!(!open_to_ssh.admits(noise, now), "{noise:?}");
    }
}

#[test]
fn connections_are_forgotten_after_a_while_and_bounded() {
    let start = Instant::now();
    let mut filter = filter(&[rule("tag:own", "tag:peer:*", "any")]);
    assert!(filter.permits(&tcp_out(1, 22), start) && filter.permits(&echo(8, OWN, PEER, 1), start));
    let after = |seconds| start + Duration::from_secs(seconds);
    assert!(filter.admits(&tcp_in(22, 1), after(10_000)) && !filter.admits(&tcp_in(22, 1), after(11_000)));
    assert!(filter.admits(&echo(0, PEER, OWN, 1), after(299)));
    assert!(!filter.admits(&echo(0, PEER, OWN, 1), after(301)));

    let mut flows = Flows::default();
    let flow = |from| Flow { protocol: 17, from, to: 53 };
    for from in 0..20_000_u16 {
        flows.record(flow(from), start + Duration::from_millis(from.into()));
    }
    assert!(flows.len() <= 8192, "{}", flows.len());
    assert!(flows.contains(flow(19_999), after(20)) && flows.contains(flow(16_500), after(20)));
}

proptest! {
    #[test]
    fn arbitrary_packets_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..120), version: bool) {
        let now = Instant::now();
        let mut packet = bytes;
        if let Some(first) = packet.first_mut() && version {
            *first = 0x45;
        }
        let mut filter = filter(&[rule("tag:peer", "tag:own:22", "any")]);
        filter.admits(&packet, now);
        filter.permits(&packet, now);
    }
}
