//! Tests with two stacks, a lossy network between them and simulated time.

mod slow_readers;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use smoltcp::wire::TcpPacket;

use super::connection::{LINGER, WINDOW};
use super::*;
use crate::tunnel::userspace::Netstack;

const ONE: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);
const PORT: u16 = 8080;
const WEB: SocketAddrV4 = SocketAddrV4::new(OTHER, PORT);

const DELAY: Duration = Duration::from_millis(5);

/// Long enough for all that has ended to be removed.
const AFTER_LINGER: Duration = LINGER.saturating_add(Duration::from_secs(3));

struct Network {
    one: Netstack,
    /// Serves [`PORT`].
    other: Netstack,
    now: Instant,
    /// Arrival time, whether the packet is for `other`, and the packet.
    in_flight: VecDeque<(Instant, bool, Vec<u8>)>,
    /// Lost packets per thousand.
    loss: u64,
    rng_state: u64,
    /// Time between the arrivals of two packets.
    spacing: Duration,
    /// Bytes of connections that `one` has sent, repeated ones included.
    carried: usize,
}

impl Network {
    fn new() -> Self {
        let now = Instant::now();
        let (one, mut other) = (Netstack::new(ONE, 1, now), Netstack::new(OTHER, 2, now));
        other.serve(PORT);
        Self {
            one,
            other,
            now,
            in_flight: VecDeque::new(),
            loss: 0,
            rng_state: 1,
            spacing: Duration::ZERO,
            carried: 0,
        }
    }

    fn random(&mut self) -> u64 {
        self.rng_state = self.rng_state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        self.rng_state >> 33
    }

    fn is_lost(&mut self) -> bool {
        self.random() % 1000 < self.loss
    }

    /// Polls both stacks and collects the packets that they send.
    fn poll(&mut self) {
        self.one.poll(self.now);
        self.other.poll(self.now);
        let there: Vec<_> =
            std::iter::from_fn(|| self.one.poll_packet()).map(|packet| (true, packet)).collect();
        let back = std::iter::from_fn(|| self.other.poll_packet()).map(|packet| (false, packet));
        for (to_other, packet) in there.into_iter().chain(back).collect::<Vec<_>>() {
            if to_other {
                self.carried += TcpPacket::new_checked(&packet[20..]).unwrap().payload().len();
            }
            if !self.is_lost() {
                let free = self.in_flight.back().map_or(self.now, |(at, ..)| *at + self.spacing);
                self.in_flight.push_back(((self.now + DELAY).max(free), to_other, packet));
            }
        }
    }

    /// Advances to the next event, at most by `limit`.
    fn step(&mut self, limit: Duration) {
        self.poll();
        let due = [self.one.deadline(self.now), self.other.deadline(self.now)];
        let arrival = self.in_flight.front().map(|(at, ..)| *at);
        let next = due.into_iter().flatten().chain(arrival).min().unwrap_or(self.now + limit);
        self.now = next.clamp(self.now, self.now + limit);
        while let Some((_, to_other, packet)) = self.in_flight.pop_front_if(|(at, ..)| *at <= self.now) {
            if to_other { self.other.deliver(packet) } else { self.one.deliver(packet) }
        }
        self.poll();
    }

    /// Runs the network for `time` and returns the number of steps.
    fn run(&mut self, time: Duration) -> usize {
        let end = self.now + time;
        let mut steps = 0;
        while self.now < end {
            self.step(end - self.now);
            steps += 1;
            assert!(steps < 200_000, "busy loop");
        }
        steps
    }

    fn next_request(&mut self) -> Option<ConnectionRequest> {
        for _ in 0..20 {
            self.step(DELAY);
            if let asked @ Some(_) = self.other.next_request() {
                return asked;
            }
        }
        None
    }

    /// Establishes a connection from `one` to `other` and returns its two ends.
    fn connected(&mut self) -> (ConnectionId, ConnectionId) {
        let dialed = self.one.dial(WEB, self.now).unwrap();
        let mut asked = self.next_request();
        while asked.is_none() {
            asked = self.next_request();
        }
        let asked = asked.unwrap();
        assert_eq!((asked.port, *asked.from.ip()), (PORT, ONE));
        assert_eq!(self.one.connection_status(dialed, self.now), ConnectionStatus::Opening);
        self.other.accept(asked.connection);
        while self.one.connection_status(dialed, self.now) == ConnectionStatus::Opening
            || self.other.connection_status(asked.connection, self.now) == ConnectionStatus::Opening
        {
            self.step(DELAY);
        }
        (dialed, asked.connection)
    }

    /// Returns the number of connections and sockets that the stacks still hold.
    fn held(&self) -> usize {
        let of = |stack: &Netstack| stack.tcp.open.len() + stack.sockets.iter().count() - 1;
        of(&self.one) + of(&self.other)
    }
}

/// One end of a connection, with what it sends and what it has received.
struct ConnectionEnd {
    id: ConnectionId,
    outgoing: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    max_read: usize,
    finished: bool,
}

impl ConnectionEnd {
    fn new(id: ConnectionId, outgoing: Vec<u8>, max_read: usize) -> Self {
        Self { id, outgoing, sent: 0, received: Vec::new(), max_read, finished: false }
    }

    fn transfer(&mut self, stack: &mut Netstack) {
        let rest = &self.outgoing[self.sent..];
        self.sent += stack.write(self.id, |room| {
            let length = room.len().min(rest.len());
            room[..length].copy_from_slice(&rest[..length]);
            length
        });
        if self.sent == self.outgoing.len() && !self.finished {
            stack.finish(self.id);
            self.finished = true;
        }
        let (received, max_read) = (&mut self.received, self.max_read);
        stack.read(self.id, |bytes| {
            let length = bytes.len().min(max_read);
            received.extend(&bytes[..length]);
            length
        });
    }
}

fn bytes(length: usize, salt: u8) -> Vec<u8> {
    let mut state = u64::from(salt);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn everything_arrives_in_order_despite_loss() {
    for loss in [0, 10, 100] {
        let mut network = Network::new();
        network.loss = loss;
        let (one, other) = network.connected();
        let mut one = ConnectionEnd::new(one, bytes(700_001, 1), usize::MAX);
        // A slow reader.
        let mut other = ConnectionEnd::new(other, bytes(300_001, 2), 10_000);
        let closed = |network: &mut Network, one: &ConnectionEnd, other: &ConnectionEnd| {
            network.one.connection_status(one.id, network.now) == ConnectionStatus::Closed
                && network.other.connection_status(other.id, network.now) == ConnectionStatus::Closed
        };
        let begun = network.now;
        while !closed(&mut network, &one, &other) {
            one.transfer(&mut network.one);
            other.transfer(&mut network.other);
            network.step(DELAY);
            assert!(
                network.now - begun < Duration::from_secs(900),
                "{} {}",
                one.received.len(),
                other.received.len()
            );
        }
        assert!(one.received == other.outgoing && other.received == one.outgoing, "loss of {loss} in 1000");
        network.one.release(one.id);
        network.other.release(other.id);
        network.run(AFTER_LINGER);
        assert_eq!(network.held(), 0);
    }
}

#[test]
fn directions_close_independently() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    network.one.finish(one);
    network.run(Duration::from_secs(1));
    assert_eq!(network.other.read(other, |_| 0), ReadOutcome::End);
    assert_eq!(
        network.other.write(other, |room| {
            room[..3].copy_from_slice(b"yes");
            3
        }),
        3
    );
    network.run(Duration::from_secs(1));
    assert_eq!(network.one.read(one, <[u8]>::len), ReadOutcome::Bytes(3));
    assert_eq!(network.one.read(one, |_| 0), ReadOutcome::Bytes(0), "there may be more");
    assert_eq!(network.one.connection_status(one, network.now), ConnectionStatus::Open);
}

#[test]
fn repeated_end_is_answered() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    let mut one = ConnectionEnd::new(one, bytes(100, 1), usize::MAX);
    let mut other = ConnectionEnd::new(other, bytes(100, 2), usize::MAX);
    one.transfer(&mut network.one);
    other.transfer(&mut network.other);
    // After the delay of acknowledgements (10 ms), before they arrive.
    network.run(Duration::from_millis(16));
    // Both ends have crossed. `other` does not learn that its own has arrived, and repeats it three times.
    network.in_flight.retain(|(_, to_other, _)| !to_other);
    network.run(DELAY);
    network.loss = 1000;
    network.run(Duration::from_secs(4));
    network.loss = 0;
    network.run(Duration::from_secs(4));
    for _ in 0..2 {
        one.transfer(&mut network.one);
        other.transfer(&mut network.other);
    }
    assert_eq!(network.one.connection_status(one.id, network.now), ConnectionStatus::Closed);
    assert_eq!(network.other.connection_status(other.id, network.now), ConnectionStatus::Closed);
}

#[test]
fn slow_reader_blocks_the_writer() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    let mut written = 0;
    for _ in 0..100 {
        written += network.one.write(one, |room| room.len());
        network.step(DELAY);
    }
    assert!(!network.one.has_room(one) && (WINDOW..=2 * WINDOW).contains(&written), "{written}");
    let steps = network.run(Duration::from_secs(300));
    assert!(steps < 2000, "no busy waiting: {steps}");
    assert_eq!(
        network.one.connection_status(one, network.now),
        ConnectionStatus::Open,
        "the peer is slow but present"
    );
    while let ReadOutcome::Bytes(1..) = network.other.read(other, <[u8]>::len) {}
    network.run(Duration::from_secs(60));
    assert!(network.one.has_room(one));
}

#[test]
fn closed_port_and_reset_request_are_refused() {
    let mut network = Network::new();
    let nobody = network.one.dial(SocketAddrV4::new(OTHER, PORT + 1), network.now).unwrap();
    let down = network.one.dial(WEB, network.now).unwrap();
    let asked = network.next_request().unwrap();
    network.run(Duration::from_millis(100));
    assert_eq!(network.one.connection_status(nobody, network.now), ConnectionStatus::Refused);
    assert_eq!(
        network.one.connection_status(down, network.now),
        ConnectionStatus::Opening,
        "no decision yet"
    );
    network.other.reset(asked.connection);
    network.run(Duration::from_millis(100));
    assert_eq!(network.one.connection_status(down, network.now), ConnectionStatus::Refused);
    network.one.reset(nobody);
    network.one.reset(down);
    network.run(AFTER_LINGER);
    assert_eq!(network.held(), 0);
    assert_eq!(network.other.next_request(), None);
}

#[test]
fn repeated_request_is_reported_once() {
    let mut network = Network::new();
    let dialed = network.one.dial(WEB, network.now).unwrap();
    let asked = network.next_request().unwrap();
    // `one` repeats its request after a second.
    network.run(Duration::from_secs(4));
    assert_eq!(network.other.next_request(), None);
    network.other.accept(asked.connection);
    network.run(Duration::from_secs(4));
    assert_eq!(network.one.connection_status(dialed, network.now), ConnectionStatus::Open);
    assert_eq!(network.other.connection_status(asked.connection, network.now), ConnectionStatus::Open);
}

#[test]
fn withdrawn_request_is_removed() {
    let mut network = Network::new();
    let dialed = network.one.dial(WEB, network.now).unwrap();
    let asked = network.next_request().unwrap();
    network.one.reset(dialed);
    network.run(Duration::from_secs(1));
    if network.other.connection_status(asked.connection, network.now) == ConnectionStatus::Opening {
        // The reset lacked the sequence number of an answer that was never sent.
        network.other.accept(asked.connection);
        network.run(Duration::from_secs(1));
    }
    assert_ne!(network.other.connection_status(asked.connection, network.now), ConnectionStatus::Open);
    network.other.release(asked.connection);
    network.run(AFTER_LINGER);
    assert_eq!(network.held(), 0);
}

#[test]
fn data_before_a_reset_is_readable() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    network.one.write(one, |room| {
        room[..4].copy_from_slice(b"part");
        4
    });
    network.run(Duration::from_millis(100));
    network.one.reset(one);
    network.run(Duration::from_millis(100));
    assert_eq!(
        network.other.connection_status(other, network.now),
        ConnectionStatus::Open,
        "there is something to read"
    );
    assert_eq!(network.other.read(other, <[u8]>::len), ReadOutcome::Bytes(4));
    assert_eq!(network.other.read(other, |_| 0), ReadOutcome::Lost);
    assert_eq!(network.other.connection_status(other, network.now), ConnectionStatus::Lost);
    network.other.reset(other);
    network.run(AFTER_LINGER);
    assert_eq!(network.held(), 0);
}

#[test]
fn vanished_peer_ends_the_connection() {
    for writes in [false, true] {
        let mut network = Network::new();
        let (one, other) = network.connected();
        network.loss = 1000;
        if writes {
            network.one.write(one, |room| room.len());
        }
        network.run(Duration::from_secs(120));
        assert_eq!(network.one.connection_status(one, network.now), ConnectionStatus::Open);
        let steps = network.run(Duration::from_secs(60));
        assert!(steps < 200, "no busy waiting: {steps}");
        assert_eq!(network.one.connection_status(one, network.now), ConnectionStatus::Lost);
        assert_eq!(network.other.connection_status(other, network.now), ConnectionStatus::Lost);
        network.one.reset(one);
        network.other.reset(other);
        network.run(AFTER_LINGER);
        assert_eq!(network.held(), 0);
    }
}

#[test]
fn connections_survive_pauses_of_the_process() {
    let mut network = Network::new();
    let mut pairs = Vec::new();
    for _ in 0..3 {
        let (one, other) = network.connected();
        let one = ConnectionEnd::new(one, bytes(3_000_001, 1), usize::MAX);
        pairs.push((one, ConnectionEnd::new(other, Vec::new(), usize::MAX)));
    }
    let begun = network.now;
    for step in 0.. {
        for (one, other) in &mut pairs {
            one.transfer(&mut network.one);
            other.transfer(&mut network.other);
        }
        if pairs.iter().all(|(one, other)| one.outgoing == other.received) {
            break;
        }
        if step % 20 == 19 {
            network.now += Duration::from_secs(1);
        }
        network.step(DELAY);
        // Most of this time is pauses: retransmissions after overflows of a queue would take minutes.
        assert!(network.now - begun < Duration::from_secs(60), "packets were lost");
    }
}

#[test]
fn idle_connection_stays_open() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    let steps = network.run(Duration::from_secs(3600));
    assert!(steps < 3000, "{steps}");
    assert_eq!(network.one.connection_status(one, network.now), ConnectionStatus::Open);
    assert_eq!(network.other.connection_status(other, network.now), ConnectionStatus::Open);
}

#[test]
fn unread_data_outlives_the_connection() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    network.other.finish(other);
    let outgoing = bytes(100_000, 3);
    let mut one = ConnectionEnd::new(one, outgoing.clone(), usize::MAX);
    one.transfer(&mut network.one);
    network.run(Duration::from_secs(60));
    let mut received: Vec<u8> = Vec::new();
    while let ReadOutcome::Bytes(1..) = network.other.read(other, |bytes| {
        received.extend(bytes);
        bytes.len()
    }) {}
    assert!(received == outgoing);
    assert_eq!(network.other.read(other, |_| 0), ReadOutcome::End);
    assert_eq!(network.other.connection_status(other, network.now), ConnectionStatus::Closed);
    network.other.release(other);
    one.transfer(&mut network.one);
    assert_eq!(network.one.connection_status(one.id, network.now), ConnectionStatus::Closed);
    network.one.release(one.id);
    network.run(AFTER_LINGER);
    assert_eq!(network.held(), 0);
}

#[test]
fn connections_are_bounded_and_removed() {
    let mut network = Network::new();
    let many: Vec<_> = (0..200).map_while(|_| network.one.dial(WEB, network.now)).collect();
    assert_eq!(many.len(), MAX_CONNECTIONS_PER_PEER);
    let mut asked = 0;
    while let Some(one) = network.next_request() {
        network.other.reset(one.connection);
        asked += 1;
    }
    assert_eq!(asked, MAX_CONNECTIONS_PER_PEER);
    many.into_iter().for_each(|id| network.one.reset(id));
    network.run(AFTER_LINGER);
    assert_eq!(network.held(), 0);

    // More connections than possible if TIME-WAIT kept their sockets.
    for _ in 0..1000 {
        let (one, other) = network.connected();
        network.one.finish(one);
        network.other.finish(other);
        while network.one.connection_status(one, network.now) != ConnectionStatus::Closed {
            network.step(DELAY);
            network.one.read(one, |_| 0);
            network.other.read(other, |_| 0);
        }
        network.one.release(one);
        network.step(DELAY);
        network.other.read(other, |_| 0);
        network.other.release(other);
        assert!(network.held() <= 4 * MAX_CONNECTIONS);
    }
    network.run(AFTER_LINGER);
    assert_eq!(network.held(), 0);
}
