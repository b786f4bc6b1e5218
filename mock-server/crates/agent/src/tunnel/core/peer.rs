//! One peer: its sessions, its paths and the packets queued for it.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use boringtun::noise::errors::WireGuardError;
use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::PublicKey;
use ztna_protocol::region::Region;

use super::event::{DropReason, Event};
use super::initiation::Initiation;
use super::output::Output;
use super::packet::{COOKIE_REPLY, DATA, INITIATION, OVERHEAD, PathMessage, RESPONSE};
use super::paths::{Evidence, Paths, ProbeTarget};
use super::place::Place;

/// Interval of keepalives, which keep NAT mappings open.
pub(super) const KEEPALIVE_SECONDS: u16 = 25;

/// Delay before a handshake is tried again with a peer that could not be reached.
const RETRY_UNREACHABLE_AFTER: Duration = Duration::from_secs(25);

/// Delay before this node starts a handshake itself because the peer has not confirmed its own.
const CONFIRM_WITHIN: Duration = Duration::from_secs(1);

/// Delay of the peer that does not initiate first, so that two handshakes do not cross.
const SECOND_INITIATOR_DELAY: Duration = Duration::from_millis(500);

/// boringtun's timers are updated before use if their last update is older than this.
const TIMERS_STALE_AFTER: Duration = Duration::from_secs(1);

/// After this time without an answer the peer may have lost the session (WireGuard's Keepalive-Timeout plus
/// Rekey-Timeout). boringtun applies the same rule by its own clock.
const MAX_SILENCE: Duration = Duration::from_secs(15);

/// Number of packets that are queued during a handshake.
const MAX_QUEUED_PACKETS: usize = 32;

/// What the network map says about a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerSettings {
    /// The peer's tailnet address, the only source address that it may use.
    pub(crate) address: Ipv4Addr,
    /// Candidate endpoints.
    pub(crate) endpoints: Vec<SocketAddr>,
    /// The region of the relay that the peer is connected to.
    pub(crate) relay: Option<Region>,
    /// Whether the control plane reports the peer online, so that a handshake is worthwhile.
    pub(crate) online: bool,
}

impl PeerSettings {
    fn has_location(&self) -> bool {
        self.relay.is_some() || !self.endpoints.is_empty()
    }

    fn location_differs(&self, other: &Self) -> bool {
        (&self.endpoints, self.relay) != (&other.endpoints, other.relay)
    }
}

/// The state of a peer, for display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerState {
    /// The path in use.
    pub(crate) place: Option<Place>,
    /// When the last handshake was completed.
    pub(crate) last_handshake: Option<Instant>,
    /// Whether any path to it is known.
    pub(crate) reachable: bool,
}

pub(super) struct Peer {
    key: PublicKey,
    settings: PeerSettings,
    tunn: Tunn,
    paths: Paths,
    /// The path in the last [`Event::Roamed`].
    reported_path: Option<Place>,
    initiation: Option<Initiation>,
    /// When to start a handshake without a packet to send.
    handshake_at: Option<Instant>,
    /// A handshake initiated by the peer was answered; the peer's first data completes it.
    awaiting_confirmation: bool,
    last_handshake: Option<Instant>,
    queued: VecDeque<Vec<u8>>,
    /// When the first packet was sent that nothing was received after.
    unanswered_since: Option<Instant>,
    timers_updated: Instant,
}

impl Peer {
    pub(super) fn new(key: PublicKey, address: Ipv4Addr, tunn: Tunn, now: Instant) -> Self {
        Self {
            key,
            settings: PeerSettings { address, endpoints: Vec::new(), relay: None, online: false },
            tunn,
            paths: Paths::default(),
            reported_path: None,
            initiation: None,
            handshake_at: None,
            awaiting_confirmation: false,
            last_handshake: None,
            queued: VecDeque::new(),
            unanswered_since: None,
            timers_updated: now,
        }
    }

    /// Applies new settings. `initiates_first` is true for exactly one of two peers.
    pub(super) fn configure(&mut self, settings: PeerSettings, initiates_first: bool, now: Instant) {
        if !settings.online && !settings.has_location() {
            self.paths.reset();
            self.reported_path = None;
            self.initiation = None;
            self.handshake_at = None;
            self.queued.clear();
        } else if settings.online && (!self.settings.online || settings.location_differs(&self.settings)) {
            self.handshake_at = Some(if initiates_first { now } else { now + SECOND_INITIATOR_DELAY });
        }
        if settings.location_differs(&self.settings) {
            let relay = settings.relay.map(|region| Place::Relayed { region, peer: self.key });
            self.paths.configure(relay);
        }
        self.settings = settings;
    }

    pub(super) fn state(&self) -> PeerState {
        PeerState {
            place: self.paths.place(),
            last_handshake: self.last_handshake,
            reachable: self.has_destination(),
        }
    }

    /// Encrypts and sends a packet, or queues it until there is a session.
    pub(super) fn send(&mut self, packet: &[u8], now: Instant, buffer: &mut [u8], output: &mut Output) {
        if !self.has_destination() {
            return output.dropped(DropReason::NoEndpoint);
        }
        if self.has_session() && self.paths.has_heard_peer() {
            if self.encrypt(packet, now, buffer, output) {
                self.unanswered_since.get_or_insert(now);
            }
            self.paths.on_data_sent(now);
            return self.probe(now, buffer, output);
        }
        if self.queued.len() == MAX_QUEUED_PACKETS {
            self.queued.pop_front();
            output.dropped(DropReason::QueueFull);
        }
        self.queued.push_back(packet.to_vec());
        if self.initiation.is_none() {
            self.initiate(now, buffer, output);
        }
    }

    /// Processes a datagram that claims to come from this peer.
    pub(super) fn receive(
        &mut self,
        from: Place,
        datagram: &[u8],
        now: Instant,
        buffer: &mut [u8],
        output: &mut Output,
    ) {
        let kind = datagram.first().copied().unwrap_or_default();
        if kind == INITIATION || kind == RESPONSE {
            self.update_stale_timers(now, buffer);
        }
        if !from.admits(&self.key) {
            return output.dropped(DropReason::WrongRelayedSender);
        }
        let mut evidence = match kind {
            RESPONSE => Evidence::Answer,
            // An initiation is sent to all candidate endpoints.
            INITIATION => Evidence::Probe,
            _ => Evidence::Data,
        };
        if kind == DATA {
            match self.decrypt(from, datagram, output) {
                Some(found) => evidence = found,
                None => return output.dropped(DropReason::Rejected),
            }
        } else {
            match self.tunn.decapsulate(Some(from.ip()), datagram, buffer) {
                // Anyone who knows the public key could have sent it, so it says nothing about the peer's path.
                TunnResult::Done if kind == COOKIE_REPLY => return,
                TunnResult::Done => {}
                TunnResult::WriteToNetwork(answer) => output.datagram(from, answer),
                _ => return output.dropped(DropReason::Rejected),
            }
        }
        self.paths.on_received(from, evidence, now);
        self.unanswered_since = None;
        let confirmed = self.awaiting_confirmation;
        match kind {
            INITIATION => {
                // The peer repeats its initiation if this answer is lost, but it may also have accepted ours.
                self.initiation = None;
                self.paths.recheck();
                self.awaiting_confirmation = true;
                self.handshake_at = Some(now + CONFIRM_WITHIN);
            }
            RESPONSE => self.on_established(now, output),
            _ if self.awaiting_confirmation => self.on_established(now, output),
            _ => {}
        }
        if evidence == Evidence::Probe && kind != INITIATION {
            self.send_path_message(PathMessage::Answer, from, buffer, output);
        }
        // Only for a new session or queued packets: the check costs as much as handling a packet.
        if kind != DATA || confirmed || !self.queued.is_empty() {
            self.flush(now, buffer, output);
        }
        self.probe(now, buffer, output);
        self.report_path(output);
    }

    /// Decrypts a data message into the output. Returns `None` if it is not authentic.
    fn decrypt(&mut self, from: Place, datagram: &[u8], output: &mut Output) -> Option<Evidence> {
        let room = output.packets.room(datagram.len());
        match self.tunn.decapsulate(Some(from.ip()), datagram, room) {
            TunnResult::WriteToTunnelV4(packet, source) if source == self.settings.address => {
                let length = packet.len();
                output.packets.commit(length);
            }
            TunnResult::WriteToTunnelV4(..) => output.dropped(DropReason::SpoofedSource),
            TunnResult::WriteToTunnelV6(packet, _) => match PathMessage::read(packet) {
                Some(PathMessage::Probe) => return Some(Evidence::Probe),
                Some(PathMessage::Answer) => return Some(Evidence::Answer),
                None => output.dropped(DropReason::NotIpv4),
            },
            // A keepalive.
            TunnResult::Done => {}
            _ => return None,
        }
        Some(Evidence::Data)
    }

    /// Encrypts a packet for the paths that data takes. Returns whether there was a session.
    fn encrypt(&mut self, packet: &[u8], now: Instant, buffer: &mut [u8], output: &mut Output) -> bool {
        match self.paths.routes(now) {
            [Some(place), None] | [None, Some(place)] => {
                // Encrypts directly into the batch.
                output.write(place, packet.len() + OVERHEAD, |room| {
                    match self.tunn.encapsulate(packet, room) {
                        TunnResult::WriteToNetwork(datagram) => Some(datagram.len()),
                        _ => None,
                    }
                })
            }
            places => match self.tunn.encapsulate(packet, buffer) {
                TunnResult::WriteToNetwork(datagram) => {
                    places.into_iter().flatten().for_each(|place| output.datagram(place, datagram));
                    true
                }
                _ => false,
            },
        }
    }

    /// Runs what is due. Does nothing for an unreachable peer: a handshake started with nobody would cross with the one
    /// that the peer starts itself.
    pub(super) fn run_timers(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        let expected = self.settings.online || self.initiation.is_some();
        if !(self.paths.has_heard_peer() || expected && self.has_destination()) {
            return;
        }
        if self.initiation.is_some_and(|initiation| initiation.is_due(now)) {
            self.repeat_initiation(now, buffer, output);
        } else if self.initiation.is_none() && self.wants_handshake(now) {
            self.handshake_at = None;
            self.unanswered_since = None;
            self.initiate(now, buffer, output);
        }
        self.timers_updated = now;
        match self.tunn.update_timers(buffer) {
            TunnResult::WriteToNetwork(message) if message.first() == Some(&INITIATION) => {
                let message = message.to_vec();
                self.initiation = Some(Initiation::started(now));
                self.send_initiation(&message, output);
            }
            TunnResult::WriteToNetwork(message) => {
                self.paths.send_on_routes(message, now, output);
            }
            TunnResult::Err(WireGuardError::ConnectionExpired) => self.give_up(now, output),
            _ => {}
        }
        self.request_early_tick(output);
        self.probe(now, buffer, output);
        self.report_path(output);
    }

    fn wants_handshake(&self, now: Instant) -> bool {
        let silent = |since| now.saturating_duration_since(since) >= MAX_SILENCE;
        self.handshake_at.is_some_and(|at| at <= now) || self.unanswered_since.is_some_and(silent)
    }

    fn has_session(&self) -> bool {
        self.tunn.time_since_last_handshake().is_some()
    }

    fn has_destination(&self) -> bool {
        self.paths.has_heard_peer() || self.settings.has_location()
    }

    /// Probes the direct paths if that is due.
    fn probe(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        if !self.paths.is_due(now) || !self.paths.has_heard_peer() || !self.has_session() {
            return;
        }
        match self.paths.probe(now) {
            Some(ProbeTarget::Current(address)) => {
                self.send_path_message(PathMessage::Probe, Place::Direct(address), buffer, output);
            }
            Some(ProbeTarget::AllCandidates) => {
                let heard = self.paths.direct().filter(|heard| !self.settings.endpoints.contains(heard));
                let known: Vec<SocketAddr> = self.settings.endpoints.iter().copied().chain(heard).collect();
                for address in known {
                    self.send_path_message(PathMessage::Probe, Place::Direct(address), buffer, output);
                }
            }
            None => {}
        }
    }

    fn send_path_message(&mut self, message: PathMessage, to: Place, buffer: &mut [u8], output: &mut Output) {
        if let TunnResult::WriteToNetwork(datagram) = self.tunn.encapsulate(&message.packet(), buffer) {
            output.datagram(to, datagram);
        }
    }

    /// Emits an event if the path has changed.
    fn report_path(&mut self, output: &mut Output) {
        let place = self.paths.place();
        if let Some(to) = place.filter(|_| place != self.reported_path) {
            self.reported_path = place;
            output.event(Event::Roamed { peer: self.key, to });
        }
    }

    fn on_established(&mut self, now: Instant, output: &mut Output) {
        self.initiation = None;
        self.handshake_at = None;
        self.awaiting_confirmation = false;
        self.last_handshake = Some(now);
        output.event(Event::Handshake { peer: self.key });
    }

    /// Sends the queued packets if there is a session.
    fn flush(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        if !self.has_session() {
            return;
        }
        // boringtun itself queues a keepalive for which there was no session.
        while let TunnResult::WriteToNetwork(message) = self.tunn.decapsulate(None, &[], buffer) {
            self.paths.send_on_routes(message, now, output);
        }
        for packet in std::mem::take(&mut self.queued) {
            self.encrypt(&packet, now, buffer, output);
        }
    }

    fn initiate(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        self.update_stale_timers(now, buffer);
        self.repeat_initiation(now, buffer, output);
        self.initiation = Some(Initiation::started(now));
        self.request_early_tick(output);
    }

    /// Requests an earlier tick for the first repetitions, for which the regular one would be too late.
    fn request_early_tick(&self, output: &mut Output) {
        if let Some(due) = self.initiation.and_then(|initiation| initiation.urgent_deadline()) {
            output.wake_at(due);
        }
    }

    fn repeat_initiation(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        if let TunnResult::WriteToNetwork(message) = self.tunn.format_handshake_initiation(buffer, true) {
            let message = message.to_vec();
            self.send_initiation(&message, output);
        }
        if let Some(initiation) = &mut self.initiation {
            initiation.on_resent(now);
        }
    }

    /// Sends an initiation on all possible paths. The peer answers the first that arrives, treats the others as replays,
    /// and its answer shows which path works.
    fn send_initiation(&self, initiation: &[u8], output: &mut Output) {
        let direct = self.paths.direct();
        let known = self.settings.endpoints.iter().copied().filter(|place| Some(*place) != direct);
        let places = direct.into_iter().chain(known).map(Place::Direct).chain(self.paths.relay());
        places.for_each(|place| output.datagram(place, initiation));
    }

    /// Updates boringtun's timers, which count from its last look at the clock: after a long silence a new handshake would
    /// count as old and be given up at once.
    fn update_stale_timers(&mut self, now: Instant, buffer: &mut [u8]) {
        if now.saturating_duration_since(self.timers_updated) >= TIMERS_STALE_AFTER {
            self.timers_updated = now;
            let _ = self.tunn.update_timers(buffer);
        }
    }

    fn give_up(&mut self, now: Instant, output: &mut Output) {
        if self.initiation.take().is_some() || self.handshake_at.is_none() {
            self.queued.clear();
            self.handshake_at = Some(now + RETRY_UNREACHABLE_AFTER);
            output.event(Event::Expired { peer: self.key });
        }
    }
}
