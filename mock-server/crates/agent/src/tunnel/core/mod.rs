//! A WireGuard node without I/O: datagrams, inner packets and `now` go in; datagrams, inner packets and events come out.
//!
//! This module assigns datagrams and packets to peers; [`peer`] handles those of one peer. The cryptography and its
//! timers are boringtun's, which reads the clock itself: rekeying and session expiry follow real time, everything else
//! follows `now`.

mod access;
mod batch;
mod event;
mod output;
mod packet;
mod packets;
mod paths;
mod peer;
mod peer_path;
mod table;
mod turn;

#[cfg(test)]
mod hostile;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code, reason = "the fuzzer needs only a part of it"))]
mod node;
#[cfg(any(test, fuzzing))]
#[allow(clippy::panic, reason = "the fuzzer detects panics")]
pub(super) mod script;
#[cfg(test)]
mod simulation;

pub(crate) use access::PeerAccess;
pub(crate) use batch::Batch;
pub(crate) use event::{DropReason, Event};
pub(crate) use packets::{HEADROOM, Packets};
pub(crate) use peer::{PeerSettings, PeerState};
pub(crate) use peer_path::PeerPath;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boringtun::noise::handshake::parse_handshake_anon;
use boringtun::noise::rate_limiter::RateLimiter;
use boringtun::noise::{Packet, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};

use output::Output;
use peer::{SECOND_INITIATOR_DELAY, Session};
use table::PeerTable;
use turn::Turn;
use ztna_protocol::address::is_tailnet;

/// The longest inner packet: the payload of a UDP datagram over IPv4 less WireGuard's 32 bytes.
const MAX_PACKET_LEN: usize = 65_507 - 32;

/// boringtun requires 32 bytes more than the packet, and at least the length of a handshake message.
const BUFFER_LEN: usize = 65_536 + 32;

/// How often timers are checked.
const TICK_INTERVAL: Duration = Duration::from_millis(250);

/// Handshakes per second above which senders must prove their address with a cookie.
const MAX_HANDSHAKES_PER_SECOND: u64 = 100;

/// The number of peers, beyond which further ones are left out.
const MAX_PEERS: usize = 65_536;

/// The number of peers up to which a session with each is prepared in advance; each has about 24 KiB. With more peers,
/// the first packet to or from one begins it.
const MAX_PREPARED_PEERS: usize = 1000;

/// Messages with this counter or a higher one are refused (WireGuard's Reject-After-Messages).
const REJECT_AFTER_MESSAGES: u64 = u64::MAX - (1 << 13);

/// A WireGuard node: its key, its peers and its output.
pub(crate) struct Core {
    private: StaticSecret,
    public: PublicKey,
    /// Counts handshakes and replies with cookies when there are too many.
    rate_limiter: RateLimiter,
    /// Passed to the peers' tunnels, which see only what `rate_limiter` has already counted.
    unlimited: Arc<RateLimiter>,
    peers: PeerTable,
    output: Output,
    buffer: Vec<u8>,
    next_tick: Instant,
    relay_only: bool,
    /// Whether machines were left out.
    is_full: bool,
}

impl Core {
    /// Creates a node without peers.
    pub(crate) fn new(private: StaticSecret, now: Instant) -> Self {
        let public = PublicKey::from(&private);
        Self {
            rate_limiter: RateLimiter::new(&public, MAX_HANDSHAKES_PER_SECOND),
            unlimited: Arc::new(RateLimiter::new(&public, u64::MAX)),
            private,
            public,
            peers: PeerTable::default(),
            output: Output::default(),
            buffer: vec![0; BUFFER_LEN],
            next_tick: now,
            relay_only: false,
            is_full: false,
        }
    }

    /// From now on sends and accepts datagrams through relays only.
    pub(crate) fn use_relays_only(&mut self) {
        self.relay_only = true;
    }

    /// Adds a peer or updates its settings, keeping its sessions. The address is taken from any other peer that had it.
    pub(crate) fn set_peer(&mut self, key: PublicKey, mut settings: PeerSettings, now: Instant) {
        if self.relay_only {
            settings.endpoints.clear();
        }
        settings.endpoints.retain(|endpoint| !is_tailnet(endpoint.ip()));
        if key == self.public {
            return;
        }
        if self.peers.len() >= MAX_PEERS && self.peers.by_key(&key).is_none() {
            if !std::mem::replace(&mut self.is_full, true) {
                tracing::warn!(limit = MAX_PEERS, "leaving out machines: the network map has too many");
            }
            return;
        }
        let (private, unlimited) = (&self.private, &self.unlimited);
        let new_session = |slot| Session::new(private.clone(), key, slot, unlimited.clone(), now);
        let initiates_first = self.public.as_bytes() < key.as_bytes();
        let prepare = self.peers.len() < MAX_PREPARED_PEERS;
        let peer = self.peers.set(key, settings.address, new_session);
        let now_or_later = if initiates_first { now } else { now + SECOND_INITIATOR_DELAY };
        peer.configure(settings, prepare.then_some(now_or_later));
        peer.run_timers(&mut Turn { now, buffer: &mut self.buffer, output: &mut self.output });
    }

    /// Removes a peer and its sessions: nothing is received from it or sent to it any more.
    pub(crate) fn remove_peer(&mut self, key: &PublicKey) {
        self.peers.remove(key);
    }

    /// Processes a datagram received from `from`.
    pub(crate) fn receive(&mut self, from: PeerPath, datagram: &[u8], now: Instant) {
        if self.relay_only && from.direct().is_some() {
            return self.output.dropped(DropReason::NotRelayed);
        }
        if from.direct().is_some_and(|address| is_tailnet(address.ip())) {
            return self.output.dropped(DropReason::FromTailnet);
        }
        let mut cookie = [0; 64];
        let packet = match self.rate_limiter.verify_packet(Some(from.ip()), datagram, &mut cookie) {
            Ok(packet) => packet,
            Err(TunnResult::WriteToNetwork(cookie)) => {
                self.output.datagram(from, cookie);
                return self.output.dropped(DropReason::UnderLoad);
            }
            Err(_) => return self.output.dropped(DropReason::Malformed),
        };
        let peer = match &packet {
            Packet::HandshakeInit(init) => parse_handshake_anon(&self.private, &self.public, init)
                .ok()
                .and_then(|half| self.peers.by_key(&PublicKey::from(half.peer_static_public))),
            Packet::HandshakeResponse(response) => self.peers.by_index(response.receiver_idx),
            Packet::PacketCookieReply(reply) => self.peers.by_index(reply.receiver_idx),
            Packet::PacketData(_) if packet::counter(datagram) >= REJECT_AFTER_MESSAGES => {
                return self.output.dropped(DropReason::Malformed);
            }
            Packet::PacketData(data) => self.peers.by_index(data.receiver_idx),
        };
        match peer {
            Some(peer) => {
                let mut turn = Turn { now, buffer: &mut self.buffer, output: &mut self.output };
                peer.receive(from, datagram, &mut turn);
            }
            None => self.output.dropped(DropReason::UnknownPeer),
        }
    }

    /// Sends an inner IPv4 packet to the peer that owns its destination address.
    pub(crate) fn send(&mut self, packet: &[u8], now: Instant) {
        if packet.len() > MAX_PACKET_LEN {
            return self.output.dropped(DropReason::TooLong);
        }
        let Some(destination) = packet::destination(packet) else {
            return self.output.dropped(DropReason::NotIpv4);
        };
        match self.peers.by_address(destination) {
            Some(peer) => {
                peer.send(packet, &mut Turn { now, buffer: &mut self.buffer, output: &mut self.output });
            }
            None => self.output.dropped(DropReason::UnknownPeer),
        }
    }

    /// Runs the timers that are due by `now`.
    pub(crate) fn tick(&mut self, now: Instant) {
        if now < self.next_wake() {
            return;
        }
        self.next_tick = now + TICK_INTERVAL;
        self.output.wake = None;
        self.rate_limiter.reset_count();
        let mut turn = Turn { now, buffer: &mut self.buffer, output: &mut self.output };
        self.peers.iter_mut().for_each(|peer| peer.run_timers(&mut turn));
    }

    /// Returns when [`Core::tick`] must be called next; `None` without peers.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (!self.peers.is_empty()).then(|| self.next_wake())
    }

    fn next_wake(&self) -> Instant {
        self.output.wake.map_or(self.next_tick, |wake| wake.min(self.next_tick))
    }

    /// Returns the next datagrams to send. The caller gives the batch back through [`Core::postpone`] if it cannot be sent
    /// yet, else through [`Core::recycle`].
    pub(crate) fn poll_batch(&mut self) -> Option<Batch> {
        self.output.batches.pop_front()
    }

    /// Puts a batch back at the front of the queue.
    pub(crate) fn postpone(&mut self, batch: Batch) {
        self.output.batches.push_front(batch);
    }

    /// Takes back a finished batch to reuse its buffer.
    pub(crate) fn recycle(&mut self, batch: Batch) {
        self.output.recycle(batch);
    }

    /// Returns the received inner packets, which the caller clears after reading. The source of each is verified to be its
    /// sender's own address.
    pub(crate) fn packets(&mut self) -> &mut Packets {
        &mut self.output.packets
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.output.events.pop_front()
    }

    /// Returns the state of the peer with this address.
    pub(crate) fn peer_state(&mut self, address: Ipv4Addr) -> Option<PeerState> {
        self.peers.by_address(address).map(|peer| peer.state())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::{Node, packet};

    #[test]
    fn unanswered_handshake_is_repeated_on_time() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let (mut one, other) = (Node::new(1, start), Node::new(2, start));
        let settings = PeerSettings { online: false, ..other.settings() };
        one.core.set_peer(other.key(), settings, start);
        one.core.tick(start);
        let mut sent = Vec::new();
        // Just after a regular tick.
        let mut now = after(20);
        one.core.send(&packet(one.address, other.address, 0), now);
        while now < after(1000) {
            sent.extend(one.datagrams().iter().map(|_| (now - start).as_millis()));
            let deadline = one.core.deadline().unwrap();
            assert!(deadline > now, "the deadline lies in the past");
            now = deadline;
            one.core.tick(now);
        }
        assert_eq!(sent, [20, 270, 770]);
    }

    /// Sixty thousand peers took 1.48 GB, and minutes: each had a session, and was compared with all others.
    #[test]
    fn many_peers_take_sessions_when_they_are_used() {
        let start = Instant::now();
        let mut one = Node::new(1, start);
        let key = |number: u32| {
            let mut key = [9; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            PublicKey::from(key)
        };
        let endpoint = one.endpoint;
        let settings = |number: u32| PeerSettings {
            address: Ipv4Addr::from_bits(u32::from_be_bytes([100, 64, 0, 0]) + number),
            endpoints: vec![endpoint],
            relay: None,
            online: true,
            access: PeerAccess::everything(),
        };
        for number in 10..60_010 {
            one.core.set_peer(key(number), settings(number), start);
        }
        one.core.tick(start + Duration::from_secs(1));
        let sent = one.datagrams().len();
        assert!(sent <= 2 * MAX_PREPARED_PEERS, "{sent} initiations");
        let last = settings(60_009).address;
        one.core.send(&packet(one.address, last, 0), start + Duration::from_secs(2));
        assert_eq!(one.datagrams().len(), 1, "the first packet starts a handshake");
        for number in 60_010..70_010 {
            one.core.set_peer(key(number), settings(number), start);
        }
        assert_eq!(one.core.peers.len(), MAX_PEERS);
        for number in 10..70_010 {
            one.core.remove_peer(&key(number));
        }
        assert!(one.core.peers.is_empty() && start.elapsed() < Duration::from_secs(30));
    }
}
