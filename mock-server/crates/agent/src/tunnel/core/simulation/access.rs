//! Access rules between nodes with sessions.

use std::sync::Arc;
use std::time::Instant;

use ztna_protocol::access::{AccessRule, Policy};

use crate::tunnel::core::node::{Node, converse, pair};
use crate::tunnel::core::{DropReason, Event, PeerAccess, PeerSettings};

/// Lets `one` open TCP connections to port 22 of `other`, and nothing else, as each of them sees it.
fn allow_ssh(one: &mut Node, other: &mut Node, now: Instant) {
    let view =
        serde_json::json!({ "src": ["tag:laptop"], "dst": ["tag:prod:22"], "proto": "tcp" }).to_string();
    let rule = AccessRule::parse(&serde_json::from_str(&view).unwrap()).unwrap();
    let policy = Policy::new(vec![rule]);
    let (laptop, prod) = (["laptop".to_owned()], ["prod".to_owned()]);
    let (there, back) = (policy.grants(&laptop, &prod), policy.grants(&prod, &laptop));
    let access = PeerAccess { own_address: one.address, incoming: back.clone(), outgoing: there.clone() };
    let settings = PeerSettings { access: Arc::new(access), ..other.settings() };
    one.core.set_peer(other.key(), settings, now);
    let access = PeerAccess { own_address: other.address, incoming: there, outgoing: back };
    let settings = PeerSettings { access: Arc::new(access), ..one.settings() };
    other.core.set_peer(one.key(), settings, now);
}

fn tcp(from: &Node, to: &Node, ports: [u16; 2]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
    packet.extend(from.address.octets());
    packet.extend(to.address.octets());
    packet.extend(ports.map(u16::to_be_bytes).concat());
    packet.resize(40, 0);
    packet
}

/// Sends a packet and returns how many arrive, and how many each side has denied.
fn sent(from: &mut Node, to: &mut Node, packet: &[u8], now: Instant) -> (usize, [usize; 2]) {
    drop((from.events(), to.events()));
    from.core.send(packet, now);
    converse(from, to, now);
    let denied = [from, to].map(|node| {
        node.events().iter().filter(|event| **event == Event::Dropped(DropReason::Denied)).count()
    });
    let arrived = to.core.packets().iter().count();
    to.core.packets().clear();
    (arrived, denied)
}

#[test]
fn a_laptop_reaches_one_port_of_a_server_and_nothing_comes_back_unasked() {
    let now = Instant::now();
    let (mut laptop, mut prod) = pair(now);
    let open = tcp(&prod, &laptop, [40_000, 80]);
    assert_eq!(sent(&mut prod, &mut laptop, &open, now), (1, [0, 0]), "without rules all talk");
    allow_ssh(&mut laptop, &mut prod, now);
    let packets = [[40_000, 22], [40_000, 80]].map(|ports| tcp(&laptop, &prod, ports));
    assert_eq!(sent(&mut laptop, &mut prod, &packets[0], now), (1, [0, 0]));
    assert_eq!(sent(&mut laptop, &mut prod, &packets[1], now), (0, [1, 0]), "another port");
    let answer = tcp(&prod, &laptop, [22, 40_000]);
    assert_eq!(sent(&mut prod, &mut laptop, &answer, now), (1, [0, 0]), "the answer");
    assert_eq!(sent(&mut prod, &mut laptop, &open, now), (0, [1, 0]), "a connection of the server");
    let unasked = tcp(&prod, &laptop, [22, 40_001]);
    assert_eq!(sent(&mut prod, &mut laptop, &unasked, now), (0, [0, 1]), "as if it were an answer");
}

#[test]
fn a_peer_that_applies_no_rules_gets_nothing_through() {
    let now = Instant::now();
    let (mut rogue, mut prod) = pair(now);
    allow_ssh(&mut rogue, &mut prod, now);
    let settings = prod.settings();
    rogue.core.set_peer(prod.key(), settings, now);
    let packets = [[40_000, 80], [22, 40_000]].map(|ports| tcp(&rogue, &prod, ports));
    for packet in packets {
        assert_eq!(sent(&mut rogue, &mut prod, &packet, now), (0, [0, 1]));
    }
    assert_eq!(prod.core.peer_state(rogue.address).unwrap().denied, 2);
}
