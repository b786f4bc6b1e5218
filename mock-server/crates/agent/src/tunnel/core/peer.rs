//! One peer: its sessions, where it is, and what waits for it.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use boringtun::noise::errors::WireGuardError;
use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::PublicKey;
use ztna_protocol::region::Region;

use super::event::{Event, Reason};
use super::initiation::Initiation;
use super::output::Output;
use super::packet::{COOKIE_REPLY, DATA, INITIATION, OVERHEAD, PathMessage, RESPONSE};
use super::paths::{Heard, Paths, Probing};
use super::place::Place;

/// How often a silent session is kept open through the address translators on its way.
pub(super) const KEEPALIVE_SECONDS: u16 = 25;

/// When a peer that could not be reached, or whose handshake came to nothing, is tried again.
const GREET_AGAIN: Duration = Duration::from_secs(25);
const CONFIRM_WITHIN: Duration = Duration::from_secs(1);

/// How much later the one of two peers greets that does not do so at once: their handshakes would cross.
const GREET_LATER: Duration = Duration::from_millis(500);

/// Timers of a peer that was left alone for longer are brought up to date before they are relied upon.
const STALE: Duration = Duration::from_secs(1);

/// After so long without an answer the peer has perhaps lost the session (WireGuard's Keepalive-Timeout and
/// Rekey-Timeout). boringtun knows the rule too, by its own clock.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// Packets that wait for a handshake.
const LONGEST_QUEUE: usize = 32;

/// What a node is told about a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerSettings {
    /// Its address in the tailnet, the only one it may send from.
    pub(crate) address: Ipv4Addr,
    /// Where it may be reached.
    pub(crate) endpoints: Vec<SocketAddr>,
    /// The relay where it listens.
    pub(crate) relay: Option<Region>,
    /// Whether it is believed to be there, so that it is worth greeting.
    pub(crate) online: bool,
}

impl PeerSettings {
    fn names_a_place(&self) -> bool {
        self.relay.is_some() || !self.endpoints.is_empty()
    }

    fn places_differ(&self, other: &Self) -> bool {
        (&self.endpoints, self.relay) != (&other.endpoints, other.relay)
    }
}

/// How a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerState {
    /// Where it is reached.
    pub(crate) place: Option<Place>,
    /// When the last handshake was completed.
    pub(crate) last_handshake: Option<Instant>,
    /// Whether there is any way to reach it.
    pub(crate) reachable: bool,
}

/// A peer.
pub(super) struct Peer {
    key: PublicKey,
    settings: PeerSettings,
    tunn: Tunn,
    paths: Paths,
    /// Where it was last told to be.
    told: Option<Place>,
    initiation: Option<Initiation>,
    /// When to begin a handshake that nobody's packet asked for.
    greet_at: Option<Instant>,
    /// A handshake the peer began was answered; its first data will complete it.
    unconfirmed: bool,
    last_handshake: Option<Instant>,
    waiting: VecDeque<Vec<u8>>,
    /// When the first packet was sent that nothing has come back for.
    unanswered: Option<Instant>,
    driven: Instant,
}

impl Peer {
    pub(super) fn new(key: PublicKey, address: Ipv4Addr, tunn: Tunn, now: Instant) -> Self {
        Self {
            key,
            settings: PeerSettings { address, endpoints: Vec::new(), relay: None, online: false },
            tunn,
            paths: Paths::default(),
            told: None,
            initiation: None,
            greet_at: None,
            unconfirmed: false,
            last_handshake: None,
            waiting: VecDeque::new(),
            unanswered: None,
            driven: now,
        }
    }

    /// Takes in what is known now. `greets_first` is true of exactly one of the two peers.
    pub(super) fn configure(&mut self, settings: PeerSettings, greets_first: bool, now: Instant) {
        if !settings.online && !settings.names_a_place() {
            self.paths.forget();
            self.told = None;
            self.initiation = None;
            self.greet_at = None;
            self.waiting.clear();
        } else if settings.online && (!self.settings.online || settings.places_differ(&self.settings)) {
            self.greet_at = Some(if greets_first { now } else { now + GREET_LATER });
        }
        if settings.places_differ(&self.settings) {
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

    /// Encrypts a packet, or keeps it until there is a session.
    pub(super) fn send(&mut self, packet: &[u8], now: Instant, buffer: &mut [u8], output: &mut Output) {
        if !self.has_destination() {
            return output.dropped(Reason::NoEndpoint);
        }
        if self.has_session() && self.paths.is_known() {
            if self.seal(packet, now, buffer, output) {
                self.unanswered.get_or_insert(now);
            }
            self.paths.used(now);
            return self.probe(now, buffer, output);
        }
        if self.waiting.len() == LONGEST_QUEUE {
            self.waiting.pop_front();
            output.dropped(Reason::QueueFull);
        }
        self.waiting.push_back(packet.to_vec());
        if self.initiation.is_none() {
            self.initiate(now, buffer, output);
        }
    }

    /// Takes in a datagram that claims to be this peer's.
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
            self.refresh(now, buffer);
        }
        if !from.admits(&self.key) {
            return output.dropped(Reason::ForeignRelay);
        }
        let mut what = match kind {
            RESPONSE => Heard::Answer,
            // It goes wherever this node may be.
            INITIATION => Heard::Probe,
            _ => Heard::Data,
        };
        if kind == DATA {
            match self.open(from, datagram, output) {
                Some(heard) => what = heard,
                None => return output.dropped(Reason::Rejected),
            }
        } else {
            match self.tunn.decapsulate(Some(from.ip()), datagram, buffer) {
                // Whoever knows the public key could have sent it: it says nothing about where the peer is.
                TunnResult::Done if kind == COOKIE_REPLY => return,
                TunnResult::Done => {}
                TunnResult::WriteToNetwork(answer) => output.datagram(from, answer),
                _ => return output.dropped(Reason::Rejected),
            }
        }
        self.paths.heard(from, what, now);
        self.unanswered = None;
        let confirmed = self.unconfirmed;
        match kind {
            INITIATION => {
                // The peer repeats its initiation if our answer is lost. But it may as well have taken ours.
                self.initiation = None;
                self.paths.doubt();
                self.unconfirmed = true;
                self.greet_at = Some(now + CONFIRM_WITHIN);
            }
            RESPONSE => self.established(now, output),
            _ if self.unconfirmed => self.established(now, output),
            _ => {}
        }
        if what == Heard::Probe && kind != INITIATION {
            self.say(PathMessage::Answer, from, buffer, output);
        }
        // The session is new, or something waits for one: looking costs as much as a packet's own way.
        if kind != DATA || confirmed || !self.waiting.is_empty() {
            self.flush(now, buffer, output);
        }
        self.probe(now, buffer, output);
        self.tell(output);
    }

    /// Decrypts a data message to where its packet will be fetched; nothing, if it is not the peer's.
    fn open(&mut self, from: Place, datagram: &[u8], output: &mut Output) -> Option<Heard> {
        let room = output.packets.room(datagram.len());
        match self.tunn.decapsulate(Some(from.ip()), datagram, room) {
            TunnResult::WriteToTunnelV4(packet, source) if source == self.settings.address => {
                let length = packet.len();
                output.packets.commit(length);
            }
            TunnResult::WriteToTunnelV4(..) => output.dropped(Reason::SpoofedSource),
            TunnResult::WriteToTunnelV6(packet, _) => match PathMessage::read(packet) {
                Some(PathMessage::Probe) => return Some(Heard::Probe),
                Some(PathMessage::Answer) => return Some(Heard::Answer),
                None => output.dropped(Reason::NotIpv4),
            },
            // A keepalive.
            TunnResult::Done => {}
            _ => return None,
        }
        Some(Heard::Data)
    }

    /// Encrypts a packet for where data goes now, if there is a session; whether there was.
    fn seal(&mut self, packet: &[u8], now: Instant, buffer: &mut [u8], output: &mut Output) -> bool {
        match self.paths.routes(now) {
            [Some(place), None] | [None, Some(place)] => {
                // Written where it will be sent from.
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

    /// Does what is due. A peer that cannot be reached is left alone: a handshake begun with nobody would cross
    /// with the one it begins itself.
    pub(super) fn drive(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        let expected = self.settings.online || self.initiation.is_some();
        if !(self.paths.is_known() || expected && self.has_destination()) {
            return;
        }
        if self.initiation.is_some_and(|initiation| initiation.is_due(now)) {
            self.repeat_initiation(now, buffer, output);
        } else if self.initiation.is_none() && self.wants_handshake(now) {
            self.greet_at = None;
            self.unanswered = None;
            self.initiate(now, buffer, output);
        }
        self.driven = now;
        match self.tunn.update_timers(buffer) {
            TunnResult::WriteToNetwork(message) if message.first() == Some(&INITIATION) => {
                let message = message.to_vec();
                self.initiation = Some(Initiation::begun(now));
                self.everywhere(&message, output);
            }
            TunnResult::WriteToNetwork(message) => {
                self.paths.carry(message, now, output);
            }
            TunnResult::Err(WireGuardError::ConnectionExpired) => self.give_up(now, output),
            _ => {}
        }
        self.hurry(output);
        self.probe(now, buffer, output);
        self.tell(output);
    }

    fn wants_handshake(&self, now: Instant) -> bool {
        let silent = |since| now.saturating_duration_since(since) >= LONGEST_SILENCE;
        self.greet_at.is_some_and(|at| at <= now) || self.unanswered.is_some_and(silent)
    }

    fn has_session(&self) -> bool {
        self.tunn.time_since_last_handshake().is_some()
    }

    fn has_destination(&self) -> bool {
        self.paths.is_known() || self.settings.names_a_place()
    }

    /// Asks over the direct paths whether they are open, if that is due.
    fn probe(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        if !self.paths.is_due(now) || !self.paths.is_known() || !self.has_session() {
            return;
        }
        match self.paths.probe(now) {
            Some(Probing::Current(address)) => {
                self.say(PathMessage::Probe, Place::Direct(address), buffer, output);
            }
            Some(Probing::Everywhere) => {
                let heard = self.paths.direct().filter(|heard| !self.settings.endpoints.contains(heard));
                let known: Vec<SocketAddr> = self.settings.endpoints.iter().copied().chain(heard).collect();
                for address in known {
                    self.say(PathMessage::Probe, Place::Direct(address), buffer, output);
                }
            }
            None => {}
        }
    }

    fn say(&mut self, message: PathMessage, to: Place, buffer: &mut [u8], output: &mut Output) {
        if let TunnResult::WriteToNetwork(datagram) = self.tunn.encapsulate(&message.packet(), buffer) {
            output.datagram(to, datagram);
        }
    }

    /// Says where the peer is, if that is news.
    fn tell(&mut self, output: &mut Output) {
        let place = self.paths.place();
        if let Some(to) = place.filter(|_| place != self.told) {
            self.told = place;
            output.event(Event::Roamed { peer: self.key, to });
        }
    }

    fn established(&mut self, now: Instant, output: &mut Output) {
        self.initiation = None;
        self.greet_at = None;
        self.unconfirmed = false;
        self.last_handshake = Some(now);
        output.event(Event::Handshake { peer: self.key });
    }

    /// Sends what waited for a session, if there is one now.
    fn flush(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        if !self.has_session() {
            return;
        }
        // What boringtun queued by itself: a keepalive that found no session.
        while let TunnResult::WriteToNetwork(message) = self.tunn.decapsulate(None, &[], buffer) {
            self.paths.carry(message, now, output);
        }
        for packet in std::mem::take(&mut self.waiting) {
            self.seal(&packet, now, buffer, output);
        }
    }

    fn initiate(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        self.refresh(now, buffer);
        self.repeat_initiation(now, buffer, output);
        self.initiation = Some(Initiation::begun(now));
        self.hurry(output);
    }

    /// The first repetitions follow fast; who waited for the next look at all peers would send them late.
    fn hurry(&self, output: &mut Output) {
        if let Some(due) = self.initiation.and_then(|initiation| initiation.due_soon()) {
            output.wake_at(due);
        }
    }

    fn repeat_initiation(&mut self, now: Instant, buffer: &mut [u8], output: &mut Output) {
        if let TunnResult::WriteToNetwork(message) = self.tunn.format_handshake_initiation(buffer, true) {
            let message = message.to_vec();
            self.everywhere(&message, output);
        }
        if let Some(initiation) = &mut self.initiation {
            initiation.repeated(now);
        }
    }

    /// An initiation goes wherever the peer may be: it answers the first that arrives, takes the others for
    /// replays, and its answer shows where it is.
    fn everywhere(&self, initiation: &[u8], output: &mut Output) {
        let direct = self.paths.direct();
        let known = self.settings.endpoints.iter().copied().filter(|place| Some(*place) != direct);
        let places = direct.into_iter().chain(known).map(Place::Direct).chain(self.paths.relay());
        places.for_each(|place| output.datagram(place, initiation));
    }

    /// boringtun counts its timers from its last look at the clock: a handshake after a long silence would be
    /// taken for one of long ago, and be given up at once.
    fn refresh(&mut self, now: Instant, buffer: &mut [u8]) {
        if now.saturating_duration_since(self.driven) >= STALE {
            self.driven = now;
            let _ = self.tunn.update_timers(buffer);
        }
    }

    fn give_up(&mut self, now: Instant, output: &mut Output) {
        if self.initiation.take().is_some() || self.greet_at.is_none() {
            self.waiting.clear();
            self.greet_at = Some(now + GREET_AGAIN);
            output.event(Event::Expired { peer: self.key });
        }
    }
}
