//! A WireGuard node without I/O: datagrams, inner packets and `now` go in; datagrams, inner packets and events
//! come out.
//!
//! What is specific to one peer is in [`peer`]; here is decided whose a datagram or a packet is. The cryptography
//! and its timers are boringtun's, which reads a clock of its own for them: rekeying and the end of a session
//! follow the real time, everything else follows `now`.

mod batch;
mod event;
mod initiation;
mod output;
mod packet;
mod packets;
mod paths;
mod peer;
mod place;
mod table;

#[cfg(test)]
mod hostile;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code, reason = "a script needs less of it than tests do"))]
mod node;
#[cfg(any(test, fuzzing))]
#[allow(clippy::panic, reason = "a finding is a panic")]
pub(super) mod script;
#[cfg(test)]
mod simulation;

pub(crate) use batch::Batch;
pub(crate) use event::{Event, Reason};
pub(crate) use packets::{HEADROOM, Packets};
pub(crate) use peer::{PeerSettings, PeerState};
pub(crate) use place::Place;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boringtun::noise::handshake::parse_handshake_anon;
use boringtun::noise::rate_limiter::RateLimiter;
use boringtun::noise::{Packet, Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};

use output::Output;
use table::Table;
use ztna_protocol::address::is_tailnet;

/// The longest inner packet: what a UDP datagram over IPv4 holds, less WireGuard's 32 bytes.
const LONGEST_PACKET: usize = 65_507 - 32;

/// As boringtun asks: 32 bytes more than the packet, and never less than a handshake.
const BUFFER: usize = 65_536 + 32;

/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Handshakes a second from which on a sender has to prove its address with a cookie.
const HANDSHAKES_PER_SECOND: u64 = 100;

/// Counters from here on are refused (WireGuard's Reject-After-Messages).
const REJECT_AFTER_MESSAGES: u64 = u64::MAX - (1 << 13);

/// A WireGuard node: its key, its peers, and what it wants to send.
pub(crate) struct Core {
    private: StaticSecret,
    public: PublicKey,
    /// Counts handshakes, and asks for cookies when there are too many.
    gate: RateLimiter,
    /// For what the gate let in, so that nothing is counted twice.
    admitted: Arc<RateLimiter>,
    peers: Table,
    output: Output,
    buffer: Vec<u8>,
    next_tick: Instant,
    relay_only: bool,
}

impl Core {
    /// A node without peers.
    pub(crate) fn new(private: StaticSecret, now: Instant) -> Self {
        let public = PublicKey::from(&private);
        Self {
            gate: RateLimiter::new(&public, HANDSHAKES_PER_SECOND),
            admitted: Arc::new(RateLimiter::new(&public, u64::MAX)),
            private,
            public,
            peers: Table::default(),
            output: Output::default(),
            buffer: vec![0; BUFFER],
            next_tick: now,
            relay_only: false,
        }
    }

    /// From now on nothing goes out but through relays, and nothing else is taken in.
    pub(crate) fn use_relays_only(&mut self) {
        self.relay_only = true;
    }

    /// Adds a peer, or changes what is known of it; its sessions stay. Its address is then nobody else's.
    pub(crate) fn set_peer(&mut self, key: PublicKey, mut settings: PeerSettings, now: Instant) {
        if self.relay_only {
            settings.endpoints.clear();
        }
        settings.endpoints.retain(|endpoint| !is_tailnet(endpoint.ip()));
        if key == self.public {
            return;
        }
        let (private, admitted) = (&self.private, &self.admitted);
        let make = |slot| {
            Tunn::new(private.clone(), key, None, Some(peer::KEEPALIVE_SECONDS), slot, Some(admitted.clone()))
        };
        let greets_first = self.public.as_bytes() < key.as_bytes();
        let peer = self.peers.set(key, settings.address, make, now);
        peer.configure(settings, greets_first, now);
        peer.drive(now, &mut self.buffer, &mut self.output);
    }

    /// Forgets a peer and its sessions: from now on nothing of it comes in, nothing goes out to it.
    pub(crate) fn remove_peer(&mut self, key: &PublicKey) {
        self.peers.remove(key);
    }

    /// Takes in a datagram that came from `from`.
    pub(crate) fn receive(&mut self, from: Place, datagram: &[u8], now: Instant) {
        if self.relay_only && from.direct().is_some() {
            return self.output.dropped(Reason::NotRelayed);
        }
        if from.direct().is_some_and(|address| is_tailnet(address.ip())) {
            return self.output.dropped(Reason::FromTheTailnet);
        }
        let mut cookie = [0; 64];
        let packet = match self.gate.verify_packet(Some(from.ip()), datagram, &mut cookie) {
            Ok(packet) => packet,
            Err(TunnResult::WriteToNetwork(cookie)) => {
                self.output.datagram(from, cookie);
                return self.output.dropped(Reason::UnderLoad);
            }
            Err(_) => return self.output.dropped(Reason::Malformed),
        };
        let peer = match &packet {
            Packet::HandshakeInit(init) => parse_handshake_anon(&self.private, &self.public, init)
                .ok()
                .and_then(|half| self.peers.by_key(&PublicKey::from(half.peer_static_public))),
            Packet::HandshakeResponse(response) => self.peers.by_index(response.receiver_idx),
            Packet::PacketCookieReply(reply) => self.peers.by_index(reply.receiver_idx),
            Packet::PacketData(_) if packet::counter(datagram) >= REJECT_AFTER_MESSAGES => {
                return self.output.dropped(Reason::Malformed);
            }
            Packet::PacketData(data) => self.peers.by_index(data.receiver_idx),
        };
        match peer {
            Some(peer) => peer.receive(from, datagram, now, &mut self.buffer, &mut self.output),
            None => self.output.dropped(Reason::UnknownPeer),
        }
    }

    /// Sends an inner IPv4 packet to the peer whose address its destination is.
    pub(crate) fn send(&mut self, packet: &[u8], now: Instant) {
        if packet.len() > LONGEST_PACKET {
            return self.output.dropped(Reason::TooLong);
        }
        let Some(destination) = packet::destination(packet) else {
            return self.output.dropped(Reason::NotIpv4);
        };
        match self.peers.by_address(destination) {
            Some(peer) => peer.send(packet, now, &mut self.buffer, &mut self.output),
            None => self.output.dropped(Reason::UnknownPeer),
        }
    }

    /// Does what is due by `now`.
    pub(crate) fn tick(&mut self, now: Instant) {
        if now < self.next_look() {
            return;
        }
        self.next_tick = now + TICK;
        self.output.wake = None;
        self.gate.reset_count();
        for peer in self.peers.iter_mut() {
            peer.drive(now, &mut self.buffer, &mut self.output);
        }
    }

    /// When [`Core::tick`] wants to be called next; never, while there is no peer.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (!self.peers.is_empty()).then(|| self.next_look())
    }

    fn next_look(&self) -> Instant {
        self.output.wake.map_or(self.next_tick, |wake| wake.min(self.next_tick))
    }

    /// The next datagrams to send. What cannot be sent yet comes back through [`Core::postpone`], the rest through
    /// [`Core::recycle`].
    pub(crate) fn poll_batch(&mut self) -> Option<Batch> {
        self.output.batches.pop_front()
    }

    /// Takes back a batch that has to wait; it is the next again.
    pub(crate) fn postpone(&mut self, batch: Batch) {
        self.output.batches.push_front(batch);
    }

    /// Takes back a batch that is done with, for its buffer.
    pub(crate) fn recycle(&mut self, batch: Batch) {
        self.output.recycle(batch);
    }

    /// The inner packets for this node, which whoever takes them clears. The source of each is its sender's own
    /// address.
    pub(crate) fn packets(&mut self) -> &mut Packets {
        &mut self.output.packets
    }

    /// The next thing that happened.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.output.events.pop_front()
    }

    /// How the peer with this address is.
    pub(crate) fn peer_state(&mut self, address: Ipv4Addr) -> Option<PeerState> {
        self.peers.by_address(address).map(|peer| peer.state())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::{Node, packet};

    #[test]
    fn a_handshake_that_nobody_answers_is_repeated_when_it_is_due() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let (mut one, other) = (Node::new(1, start), Node::new(2, start));
        let settings = PeerSettings { online: false, ..other.settings() };
        one.core.set_peer(other.key(), settings, start);
        one.core.tick(start);
        let mut sent = Vec::new();
        // Just after a look at all peers.
        let mut now = after(20);
        one.core.send(&packet(one.address, other.address, 0), now);
        while now < after(1000) {
            sent.extend(one.datagrams().iter().map(|_| (now - start).as_millis()));
            let deadline = one.core.deadline().unwrap();
            assert!(deadline > now, "it spins");
            now = deadline;
            one.core.tick(now);
        }
        assert_eq!(sent, [20, 270, 770]);
    }
}
