//! The paths of a peer: all possible ones, and the probing of direct ones.

use std::net::SocketAddr;

use super::Peer;
use crate::tunnel::core::event::Event;
use crate::tunnel::core::packet::PathMessage;
use crate::tunnel::core::paths::ProbeTarget;
use crate::tunnel::core::peer_path::PeerPath;
use crate::tunnel::core::turn::Turn;

impl Peer {
    /// Returns the path where the peer was heard, its candidate endpoints and its relay.
    pub(super) fn possible_paths(&self) -> impl Iterator<Item = PeerPath> {
        let heard = self.paths.direct();
        let candidates =
            self.settings.endpoints.iter().copied().filter(move |endpoint| Some(*endpoint) != heard);
        heard.into_iter().chain(candidates).map(PeerPath::Direct).chain(self.paths.relay())
    }

    /// Probes the direct paths if that is due.
    pub(super) fn probe(&mut self, turn: &mut Turn<'_>) {
        if !self.paths.is_due(turn.now) || !self.paths.has_heard_peer() || !self.session.is_established() {
            return;
        }
        match self.paths.probe(turn.now) {
            Some(ProbeTarget::Current(endpoint)) => {
                self.send_path_message(PathMessage::Probe, PeerPath::Direct(endpoint), turn);
            }
            Some(ProbeTarget::AllCandidates) => {
                let heard = self.paths.direct().filter(|heard| !self.settings.endpoints.contains(heard));
                let candidates: Vec<SocketAddr> =
                    self.settings.endpoints.iter().copied().chain(heard).collect();
                for endpoint in candidates {
                    self.send_path_message(PathMessage::Probe, PeerPath::Direct(endpoint), turn);
                }
            }
            None => {}
        }
    }

    pub(super) fn send_path_message(&mut self, message: PathMessage, to: PeerPath, turn: &mut Turn<'_>) {
        if let Some(datagram) = self.session.encrypt(&message.packet(), turn.buffer) {
            turn.output.datagram(to, datagram);
        }
    }

    /// Emits an event if the path has changed.
    pub(super) fn report_path(&mut self, turn: &mut Turn<'_>) {
        let path = self.paths.current();
        if let Some(to) = path.filter(|_| path != self.reported_path) {
            self.reported_path = path;
            turn.output.event(Event::Roamed { peer: self.key, to });
        }
    }
}
