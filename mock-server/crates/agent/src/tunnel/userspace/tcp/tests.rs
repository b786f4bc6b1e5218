//! Two stacks and a network between them that loses packets, at a time of its own.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use super::connection::WINDOW;
use super::*;
use crate::tunnel::userspace::Netstack;

const ONE: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);
const PORT: u16 = 8080;
const WEB: SocketAddrV4 = SocketAddrV4::new(OTHER, PORT);

/// How long a packet is under way.
const DELAY: Duration = Duration::from_millis(5);

struct Network {
    one: Netstack,
    /// Serves [`PORT`].
    other: Netstack,
    now: Instant,
    /// Packets under way to the other, or to the one.
    flying: VecDeque<(Instant, bool, Vec<u8>)>,
    /// Of a thousand packets so many are lost.
    loss: u64,
    chance: u64,
}

impl Network {
    fn new() -> Self {
        let now = Instant::now();
        let (one, mut other) = (Netstack::new(ONE, 1, now), Netstack::new(OTHER, 2, now));
        other.serve(PORT);
        Self { one, other, now, flying: VecDeque::new(), loss: 0, chance: 1 }
    }

    fn is_lost(&mut self) -> bool {
        self.chance = self.chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.chance >> 33) % 1000 < self.loss
    }

    /// Lets both do what is due, and takes what they send.
    fn poll(&mut self) {
        self.one.poll(self.now);
        self.other.poll(self.now);
        let there: Vec<_> =
            std::iter::from_fn(|| self.one.poll_packet()).map(|packet| (true, packet)).collect();
        let back = std::iter::from_fn(|| self.other.poll_packet()).map(|packet| (false, packet));
        for (to_other, packet) in there.into_iter().chain(back).collect::<Vec<_>>() {
            if !self.is_lost() {
                self.flying.push_back((self.now + DELAY, to_other, packet));
            }
        }
    }

    /// Goes on to the next thing that happens, `limit` later at the latest.
    fn step(&mut self, limit: Duration) {
        self.poll();
        let due = [self.one.deadline(self.now), self.other.deadline(self.now)];
        let arrival = self.flying.front().map(|(at, ..)| *at);
        let next = due.into_iter().flatten().chain(arrival).min().unwrap_or(self.now + limit);
        self.now = next.clamp(self.now, self.now + limit);
        while let Some((_, to_other, packet)) = self.flying.pop_front_if(|(at, ..)| *at <= self.now) {
            if to_other { self.other.deliver(packet) } else { self.one.deliver(packet) }
        }
        self.poll();
    }

    /// How many steps it took.
    fn pass(&mut self, time: Duration) -> usize {
        let end = self.now + time;
        let mut steps = 0;
        while self.now < end {
            self.step(end - self.now);
            steps += 1;
            assert!(steps < 200_000, "it never rests");
        }
        steps
    }

    fn asked(&mut self) -> Option<Asked> {
        for _ in 0..20 {
            self.step(DELAY);
            if let asked @ Some(_) = self.other.asked() {
                return asked;
            }
        }
        None
    }

    /// A connection from the one to the other, its two ends.
    fn connected(&mut self) -> (ConnectionId, ConnectionId) {
        let dialed = self.one.dial(WEB, self.now).unwrap();
        let mut asked = self.asked();
        while asked.is_none() {
            asked = self.asked();
        }
        let asked = asked.unwrap();
        assert_eq!((asked.port, *asked.from.ip()), (PORT, ONE));
        assert_eq!(self.one.condition(dialed, self.now), Condition::Opening);
        self.other.accept(asked.connection);
        while self.one.condition(dialed, self.now) == Condition::Opening
            || self.other.condition(asked.connection, self.now) == Condition::Opening
        {
            self.step(DELAY);
        }
        (dialed, asked.connection)
    }

    /// Connections, and sockets, that either still holds.
    fn held(&self) -> usize {
        let of = |stack: &Netstack| stack.tcp.open.len() + stack.sockets.iter().count() - 1;
        of(&self.one) + of(&self.other)
    }
}

/// One end of a connection: what it still has to say, and what it heard.
struct End {
    id: ConnectionId,
    says: Vec<u8>,
    said: usize,
    heard: Vec<u8>,
    at_once: usize,
    finished: bool,
}

impl End {
    fn new(id: ConnectionId, says: Vec<u8>, at_once: usize) -> Self {
        Self { id, says, said: 0, heard: Vec::new(), at_once, finished: false }
    }

    fn turn(&mut self, stack: &mut Netstack) {
        let rest = &self.says[self.said..];
        self.said += stack.write(self.id, |room| {
            let length = room.len().min(rest.len());
            room[..length].copy_from_slice(&rest[..length]);
            length
        });
        if self.said == self.says.len() && !self.finished {
            stack.finish(self.id);
            self.finished = true;
        }
        let (heard, at_once) = (&mut self.heard, self.at_once);
        stack.read(self.id, |bytes| {
            let length = bytes.len().min(at_once);
            heard.extend(&bytes[..length]);
            length
        });
    }
}

fn bytes(length: usize, salt: u8) -> Vec<u8> {
    let mut state = u64::from(salt);
    let byte = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(byte).take(length).collect()
}

#[test]
fn everything_arrives_in_order_whatever_is_lost() {
    for loss in [0, 10, 100] {
        let mut network = Network::new();
        network.loss = loss;
        let (one, other) = network.connected();
        let mut one = End::new(one, bytes(700_001, 1), usize::MAX);
        // Reads slower than it could.
        let mut other = End::new(other, bytes(300_001, 2), 10_000);
        let closed = |network: &mut Network, one: &End, other: &End| {
            network.one.condition(one.id, network.now) == Condition::Closed
                && network.other.condition(other.id, network.now) == Condition::Closed
        };
        let begun = network.now;
        while !closed(&mut network, &one, &other) {
            one.turn(&mut network.one);
            other.turn(&mut network.other);
            network.step(DELAY);
            assert!(
                network.now - begun < Duration::from_secs(900),
                "{} {}",
                one.heard.len(),
                other.heard.len()
            );
        }
        assert!(one.heard == other.says && other.heard == one.says, "loss of {loss} in 1000");
        network.one.forget(one.id);
        network.other.forget(other.id);
        network.pass(Duration::from_secs(5));
        assert_eq!(network.held(), 0);
    }
}

#[test]
fn one_direction_ends_before_the_other() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    network.one.finish(one);
    network.pass(Duration::from_secs(1));
    assert_eq!(network.other.read(other, |_| 0), Received::End);
    assert_eq!(
        network.other.write(other, |room| {
            room[..3].copy_from_slice(b"yes");
            3
        }),
        3
    );
    network.pass(Duration::from_secs(1));
    assert_eq!(network.one.read(one, <[u8]>::len), Received::Bytes(3));
    assert_eq!(network.one.read(one, |_| 0), Received::Bytes(0), "there may be more");
    assert_eq!(network.one.condition(one, network.now), Condition::Open);
}

#[test]
fn who_does_not_read_stops_who_writes() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    let mut written = 0;
    for _ in 0..100 {
        written += network.one.write(one, |room| room.len());
        network.step(DELAY);
    }
    assert!(!network.one.has_room(one) && (WINDOW..=2 * WINDOW).contains(&written), "{written}");
    let steps = network.pass(Duration::from_secs(300));
    assert!(steps < 2000, "no busy waiting: {steps}");
    assert_eq!(network.one.condition(one, network.now), Condition::Open, "the peer is there, if slow");
    while let Received::Bytes(1..) = network.other.read(other, <[u8]>::len) {}
    network.pass(Duration::from_secs(60));
    assert!(network.one.has_room(one));
}

#[test]
fn nobody_listens_or_the_service_is_down() {
    let mut network = Network::new();
    let nobody = network.one.dial(SocketAddrV4::new(OTHER, PORT + 1), network.now).unwrap();
    let down = network.one.dial(WEB, network.now).unwrap();
    let asked = network.asked().unwrap();
    network.pass(Duration::from_millis(100));
    assert_eq!(network.one.condition(nobody, network.now), Condition::Refused);
    assert_eq!(network.one.condition(down, network.now), Condition::Opening, "nobody has decided");
    network.other.reset(asked.connection);
    network.pass(Duration::from_millis(100));
    assert_eq!(network.one.condition(down, network.now), Condition::Refused);
    network.one.reset(nobody);
    network.one.reset(down);
    network.pass(Duration::from_secs(5));
    assert_eq!(network.held(), 0);
    assert_eq!(network.other.asked(), None);
}

#[test]
fn who_asks_again_is_not_asked_for_twice() {
    let mut network = Network::new();
    let dialed = network.one.dial(WEB, network.now).unwrap();
    let asked = network.asked().unwrap();
    // The one repeats its request after a second.
    network.pass(Duration::from_secs(4));
    assert_eq!(network.other.asked(), None);
    network.other.accept(asked.connection);
    network.pass(Duration::from_secs(4));
    assert_eq!(network.one.condition(dialed, network.now), Condition::Open);
    assert_eq!(network.other.condition(asked.connection, network.now), Condition::Open);
}

#[test]
fn who_withdraws_its_request_leaves_nothing() {
    let mut network = Network::new();
    let dialed = network.one.dial(WEB, network.now).unwrap();
    let asked = network.asked().unwrap();
    network.one.reset(dialed);
    network.pass(Duration::from_secs(1));
    if network.other.condition(asked.connection, network.now) == Condition::Opening {
        // It could not know the sequence number of an answer that was never sent.
        network.other.accept(asked.connection);
        network.pass(Duration::from_secs(1));
    }
    assert_ne!(network.other.condition(asked.connection, network.now), Condition::Open);
    network.other.forget(asked.connection);
    network.pass(Duration::from_secs(5));
    assert_eq!(network.held(), 0);
}

#[test]
fn a_reset_is_told_and_what_came_before_is_read() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    network.one.write(one, |room| {
        room[..4].copy_from_slice(b"part");
        4
    });
    network.pass(Duration::from_millis(100));
    network.one.reset(one);
    network.pass(Duration::from_millis(100));
    assert_eq!(network.other.condition(other, network.now), Condition::Open, "there is something to read");
    assert_eq!(network.other.read(other, <[u8]>::len), Received::Bytes(4));
    assert_eq!(network.other.read(other, |_| 0), Received::Lost);
    assert_eq!(network.other.condition(other, network.now), Condition::Lost);
    network.other.reset(other);
    network.pass(Duration::from_secs(5));
    assert_eq!(network.held(), 0);
}

#[test]
fn a_peer_that_vanishes_ends_the_connection() {
    for writes in [false, true] {
        let mut network = Network::new();
        let (one, other) = network.connected();
        network.loss = 1000;
        if writes {
            network.one.write(one, |room| room.len());
        }
        network.pass(Duration::from_secs(30));
        assert_eq!(network.one.condition(one, network.now), Condition::Open);
        let steps = network.pass(Duration::from_secs(60));
        assert!(steps < 200, "no busy waiting: {steps}");
        assert_eq!(network.one.condition(one, network.now), Condition::Lost);
        assert_eq!(network.other.condition(other, network.now), Condition::Lost);
        network.one.reset(one);
        network.other.reset(other);
        network.pass(Duration::from_secs(5));
        assert_eq!(network.held(), 0);
    }
}

#[test]
fn a_silent_connection_lasts() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    let steps = network.pass(Duration::from_secs(3600));
    assert!(steps < 3000, "{steps}");
    assert_eq!(network.one.condition(one, network.now), Condition::Open);
    assert_eq!(network.other.condition(other, network.now), Condition::Open);
}

#[test]
fn what_was_not_read_yet_outlives_the_connection() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    network.other.finish(other);
    let says = bytes(100_000, 3);
    let mut one = End::new(one, says.clone(), usize::MAX);
    one.turn(&mut network.one);
    network.pass(Duration::from_secs(60));
    let mut heard: Vec<u8> = Vec::new();
    while let Received::Bytes(1..) = network.other.read(other, |bytes| {
        heard.extend(bytes);
        bytes.len()
    }) {}
    assert!(heard == says);
    assert_eq!(network.other.read(other, |_| 0), Received::End);
    assert_eq!(network.other.condition(other, network.now), Condition::Closed);
    network.other.forget(other);
    one.turn(&mut network.one);
    assert_eq!(network.one.condition(one.id, network.now), Condition::Closed);
    network.one.forget(one.id);
    network.pass(Duration::from_secs(5));
    assert_eq!(network.held(), 0);
}

#[test]
fn connections_are_bounded_and_short_ones_leave_nothing() {
    let mut network = Network::new();
    let many: Vec<_> = (0..200).map_while(|_| network.one.dial(WEB, network.now)).collect();
    assert_eq!(many.len(), MOST_WITH_ONE);
    let mut asked = 0;
    while let Some(one) = network.asked() {
        network.other.reset(one.connection);
        asked += 1;
    }
    assert_eq!(asked, MOST_WITH_ONE);
    many.into_iter().for_each(|id| network.one.reset(id));
    network.pass(Duration::from_secs(5));
    assert_eq!(network.held(), 0);

    // Faster than TIME-WAIT would allow if it kept its sockets.
    for _ in 0..1000 {
        let (one, other) = network.connected();
        network.one.finish(one);
        network.other.finish(other);
        while network.one.condition(one, network.now) != Condition::Closed {
            network.step(DELAY);
            network.one.read(one, |_| 0);
            network.other.read(other, |_| 0);
        }
        network.one.forget(one);
        network.step(DELAY);
        network.other.read(other, |_| 0);
        network.other.forget(other);
        assert!(network.held() <= 4 * MOST);
    }
    network.pass(Duration::from_secs(5));
    assert_eq!(network.held(), 0);
}
