use super::Peer;
use super::session::{Content, Rejected};
use crate::tunnel::core::event::DropReason;
use crate::tunnel::core::packet::{COOKIE_REPLY, DATA, INITIATION, PathMessage, RESPONSE};
use crate::tunnel::core::paths::Evidence;
use crate::tunnel::core::peer_path::PeerPath;
use crate::tunnel::core::turn::Turn;

impl Peer {
    /// Processes a datagram that claims to come from this peer.
    pub(in crate::tunnel::core) fn receive(&mut self, from: PeerPath, datagram: &[u8], turn: &mut Turn<'_>) {
        let kind = datagram.first().copied().unwrap_or_default();
        if kind == INITIATION || kind == RESPONSE {
            self.session.update_stale_timers(turn.now, turn.buffer);
        }
        if !from.admits(&self.key) {
            return turn.output.dropped(DropReason::WrongRelayedSender);
        }
        let evidence = if kind == DATA {
            self.receive_data(from, datagram, turn)
        } else {
            self.receive_handshake(kind, from, datagram, turn)
        };
        let evidence = match evidence {
            Ok(Some(evidence)) => evidence,
            Ok(None) => return,
            Err(Rejected) => return turn.output.dropped(DropReason::Rejected),
        };
        // What a peer sent before it signed off may arrive after. That it is back shows what answers this node: a session
        // that it starts counts once it has confirmed it.
        if self.signed_off {
            match kind {
                DATA if self.handshake.awaits_confirmation() => self.signed_off = false,
                INITIATION => return self.handshake.on_initiation_received(turn.now),
                _ => return,
            }
        }
        self.paths.on_received(from, evidence, turn.now);
        self.handshake.on_received();
        let confirmed = self.handshake.awaits_confirmation();
        match kind {
            INITIATION => {
                self.handshake.on_initiation_received(turn.now);
                self.paths.recheck();
            }
            RESPONSE => self.complete_handshake(turn),
            _ if confirmed => self.complete_handshake(turn),
            _ => {}
        }
        if evidence == Evidence::Probe && kind != INITIATION {
            self.send_path_message(PathMessage::Answer, from, turn);
        }
        // Only for a new session or queued packets: the check costs as much as handling a packet.
        if kind != DATA || confirmed || !self.queued.is_empty() {
            self.flush(turn);
        }
        self.probe(turn);
        self.report_path(turn);
    }

    /// Decrypts a data message into the output and returns what it says about its path.
    fn receive_data(
        &mut self,
        from: PeerPath,
        datagram: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<Option<Evidence>, Rejected> {
        let room = turn.output.packets.room(datagram.len());
        let dropped = match self.session.decrypt(from.ip(), datagram, room)? {
            Content::Ipv4 { length, source } if source == self.settings.address => {
                let packet = turn.output.packets.room(length).get(..length).unwrap_or_default();
                if self.filter.admits(packet, turn.now) {
                    turn.output.packets.commit(length);
                    None
                } else {
                    Some(DropReason::Denied)
                }
            }
            Content::Ipv4 { .. } => Some(DropReason::SpoofedSource),
            Content::Ipv6(packet) => match PathMessage::read(packet) {
                Some(PathMessage::Probe) => return Ok(Some(Evidence::Probe)),
                Some(PathMessage::Answer) => return Ok(Some(Evidence::Answer)),
                None => Some(DropReason::NotIpv4),
            },
            Content::Keepalive => None,
        };
        if let Some(reason) = dropped {
            turn.output.dropped(reason);
        }
        Ok(Some(Evidence::Data))
    }

    /// Processes a handshake message, sends the answer and returns what the message says about its path.
    fn receive_handshake(
        &mut self,
        kind: u8,
        from: PeerPath,
        datagram: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<Option<Evidence>, Rejected> {
        match self.session.process_handshake(from.ip(), datagram, turn.buffer)? {
            Some(answer) => turn.output.datagram(from, answer),
            // Anyone who knows the public key could have sent it, so it says nothing about the peer's path.
            None if kind == COOKIE_REPLY => return Ok(None),
            None => {}
        }
        Ok(Some(match kind {
            RESPONSE => Evidence::Answer,
            // An initiation is sent to all candidate endpoints.
            INITIATION => Evidence::Probe,
            _ => Evidence::Data,
        }))
    }
}
