//! One peer: connects its session, its handshakes, its paths and the packets queued for it.
//!
//! [`Session`] encrypts, [`HandshakeState`] decides when handshakes are due, and [`PathSelector`] which paths are used.

mod handshake;
mod initiation;
mod probing;
mod receiving;
mod session;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use boringtun::x25519::PublicKey;

use super::access::Filter;
use super::event::{DropReason, Event};
use super::packet::OVERHEAD;
use super::paths::PathSelector;
use super::peer_path::PeerPath;
use super::turn::Turn;
use handshake::{DueInitiation, HandshakeState};
use session::TimerAction;

pub(super) use session::Session;
pub(crate) use settings::{PeerSettings, PeerState};

/// Delay of the peer that does not initiate first, so that two handshakes do not cross.
pub(super) const SECOND_INITIATOR_DELAY: Duration = Duration::from_millis(500);

/// Number of packets that are queued during a handshake.
const MAX_QUEUED_PACKETS: usize = 32;

pub(super) struct Peer {
    key: PublicKey,
    settings: PeerSettings,
    filter: Filter,
    session: Session,
    handshake: HandshakeState,
    paths: PathSelector,
    /// The path in the last [`Event::Roamed`].
    reported_path: Option<PeerPath>,
    queued: VecDeque<Vec<u8>>,
    /// Whether the peer has signed off and has not shown since that it is back.
    signed_off: bool,
}

impl Peer {
    pub(super) fn new(key: PublicKey, address: Ipv4Addr, session: Session) -> Self {
        Self {
            key,
            settings: PeerSettings::unknown(address),
            filter: Filter::closed(),
            session,
            handshake: HandshakeState::default(),
            paths: PathSelector::default(),
            reported_path: None,
            queued: VecDeque::new(),
            signed_off: false,
        }
    }

    /// Applies new settings, and starts a handshake at `prepare_at` if they make the peer reachable. The first packet
    /// starts one in any case.
    pub(super) fn configure(&mut self, settings: PeerSettings, prepare_at: Option<Instant>) {
        self.signed_off = settings.are_signed_off();
        if self.signed_off {
            self.forget();
        } else if settings.online
            && (!self.settings.online || settings.location_differs(&self.settings))
            && let Some(prepare_at) = prepare_at
        {
            self.handshake.schedule(prepare_at);
        }
        if settings.location_differs(&self.settings) {
            let relay = settings.relay.map(|region| PeerPath::Relayed { region, peer: self.key });
            self.paths.configure(relay);
        }
        self.filter.configure(&settings.access);
        self.settings = settings;
    }

    /// Forgets where the peer was heard and what is under way with it.
    fn forget(&mut self) {
        self.paths.reset();
        self.reported_path = None;
        self.handshake.cancel();
        self.queued.clear();
    }

    pub(super) fn state(&self) -> PeerState {
        PeerState {
            path: self.paths.current(),
            last_handshake: self.handshake.last_completed(),
            reachable: self.has_destination(),
            denied: self.filter.denied(),
        }
    }

    /// Encrypts and sends a packet, or queues it until there is a session.
    pub(super) fn send(&mut self, packet: &[u8], turn: &mut Turn<'_>) {
        if !self.has_destination() {
            return turn.output.dropped(DropReason::NoEndpoint);
        }
        if !self.filter.permits(packet, turn.now) {
            return turn.output.dropped(DropReason::Denied);
        }
        if self.session.is_established() && self.paths.has_heard_peer() {
            if self.send_encrypted(packet, turn) {
                self.handshake.on_data_sent(turn.now);
            }
            self.paths.on_data_sent(turn.now);
            return self.probe(turn);
        }
        if self.queued.len() == MAX_QUEUED_PACKETS {
            self.queued.pop_front();
            turn.output.dropped(DropReason::QueueFull);
        }
        self.queued.push_back(packet.to_vec());
        if !self.handshake.is_pending() {
            self.start_handshake(turn);
        }
    }

    /// Runs what is due. Does nothing for an unreachable peer: a handshake started with nobody would cross with the one
    /// that the peer starts itself.
    pub(super) fn run_timers(&mut self, turn: &mut Turn<'_>) {
        let expected = self.settings.online || self.handshake.is_pending();
        if !(self.paths.has_heard_peer() || expected && self.has_destination()) {
            return;
        }
        match self.handshake.take_due(turn.now) {
            Some(DueInitiation::First) => self.start_handshake(turn),
            Some(DueInitiation::Repeated) => {
                self.send_initiation(turn);
                self.handshake.on_initiation_resent(turn.now);
            }
            None => {}
        }
        match self.session.run_timers(turn.now, turn.buffer) {
            TimerAction::Initiate(message) => {
                self.handshake.on_initiation_sent(turn.now);
                for path in self.possible_paths() {
                    turn.output.datagram(path, message);
                }
            }
            TimerAction::Send(message) => self.paths.send_on_routes(message, turn.now, turn.output),
            TimerAction::Expire => self.give_up(turn),
            TimerAction::Nothing => {}
        }
        self.request_early_tick(turn);
        self.probe(turn);
        self.report_path(turn);
    }

    fn has_destination(&self) -> bool {
        self.paths.has_heard_peer() || self.settings.has_location()
    }

    /// Encrypts a packet for the paths that data takes. Returns whether there was a session.
    fn send_encrypted(&mut self, packet: &[u8], turn: &mut Turn<'_>) -> bool {
        match self.paths.routes(turn.now) {
            [Some(path), None] | [None, Some(path)] => {
                // Encrypts directly into the batch.
                turn.output.write(path, packet.len() + OVERHEAD, |room| {
                    self.session.encrypt(packet, room).map(<[u8]>::len)
                })
            }
            paths => {
                let Some(datagram) = self.session.encrypt(packet, turn.buffer) else { return false };
                paths.into_iter().flatten().for_each(|path| turn.output.datagram(path, datagram));
                true
            }
        }
    }

    /// Sends the queued packets if there is a session.
    fn flush(&mut self, turn: &mut Turn<'_>) {
        if !self.session.is_established() {
            return;
        }
        while let Some(message) = self.session.queued_message(turn.buffer) {
            self.paths.send_on_routes(message, turn.now, turn.output);
        }
        for packet in std::mem::take(&mut self.queued) {
            self.send_encrypted(&packet, turn);
        }
    }

    fn start_handshake(&mut self, turn: &mut Turn<'_>) {
        self.session.update_stale_timers(turn.now, turn.buffer);
        self.send_initiation(turn);
        self.handshake.on_initiation_sent(turn.now);
        self.request_early_tick(turn);
    }

    /// Sends an initiation on all possible paths. The peer answers the first that arrives, treats the others as replays,
    /// and its answer shows which path works.
    fn send_initiation(&mut self, turn: &mut Turn<'_>) {
        if let Some(message) = self.session.initiate(turn.buffer) {
            for path in self.possible_paths() {
                turn.output.datagram(path, message);
            }
        }
    }

    fn complete_handshake(&mut self, turn: &mut Turn<'_>) {
        self.handshake.on_completed(turn.now);
        turn.output.event(Event::Handshake { peer: self.key });
    }

    fn give_up(&mut self, turn: &mut Turn<'_>) {
        if self.handshake.give_up(turn.now) {
            self.queued.clear();
            if self.settings.are_signed_off() {
                self.signed_off = true;
                self.forget();
            }
            turn.output.event(Event::Expired { peer: self.key });
        }
    }

    /// Requests an earlier tick for the first repetitions, for which the regular one would be too late.
    fn request_early_tick(&self, turn: &mut Turn<'_>) {
        if let Some(due) = self.handshake.urgent_deadline() {
            turn.output.wake_at(due);
        }
    }
}
