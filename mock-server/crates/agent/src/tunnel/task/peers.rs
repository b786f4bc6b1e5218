//! What the task knows about peers: their status, whether they are reachable, and pings.

use std::time::Instant;

use super::Task;
use super::ping::{Reachable, SentPing};
use crate::tunnel::core::PeerPath;
use crate::tunnel::map::{MapMachine, Named};
use crate::tunnel::status::{Access, PeerStatus, PingError, PingReply};
use crate::tunnel::userspace::Pong;

impl Task {
    pub(super) fn peers(&mut self) -> Vec<PeerStatus> {
        let core = &mut self.core;
        let peer = |machine: &MapMachine| {
            let state = core.peer_state(machine.settings.address);
            PeerStatus {
                name: machine.name.clone(),
                ip: machine.settings.address,
                endpoint: state.and_then(|state| state.path?.direct()),
                relay: state.and_then(|state| state.path?.region()),
                last_handshake_seconds: state
                    .and_then(|state| state.last_handshake)
                    .map(|at| at.elapsed().as_secs()),
                online: machine.settings.online,
                access: match &machine.settings.access.outgoing {
                    grants if grants.is_everything() => Access::All,
                    grants if grants.is_nothing() => Access::None,
                    _ => Access::Some,
                },
                denied_packets: state.map_or(0, |state| state.denied),
            }
        };
        self.map.machines().map(peer).collect()
    }

    pub(super) fn send_ping(&mut self, named: &str) -> Result<SentPing, PingError> {
        let Reachable { name, address, grants } = self.reachable(named)?;
        if !grants.allow_icmp() {
            return Err(PingError::Denied { name, ip: address });
        }
        let number = self.backend.ping(address, Instant::now()).ok_or(PingError::Busy)?;
        Ok(SentPing { number, name })
    }

    /// Returns the machine with this name or address, if there is a path to it.
    pub(super) fn reachable(&mut self, named: &str) -> Result<Reachable, PingError> {
        let wanted = Named::parse(named);
        if wanted.is(&self.machine.name, self.machine.address) {
            return Err(PingError::Itself(named.to_owned()));
        }
        let machine = self.map.find(&wanted).ok_or_else(|| PingError::UnknownMachine(named.to_owned()))?;
        let (name, address) = (machine.name.clone(), machine.settings.address);
        let grants = machine.settings.access.outgoing.clone();
        if self.core.peer_state(address).is_some_and(|state| state.reachable) {
            Ok(Reachable { name, address, grants })
        } else {
            Err(PingError::Unreachable { name, ip: address })
        }
    }

    pub(super) fn on_pong(&mut self, pong: Pong) {
        if let Some(ping) = self.pings.remove(&pong.number) {
            let path = self.core.peer_state(pong.from).and_then(|state| state.path);
            let (endpoint, relay) = (path.and_then(PeerPath::direct), path.and_then(PeerPath::region));
            let microseconds = u64::try_from(pong.elapsed.as_micros()).unwrap_or(u64::MAX);
            let _ = ping.reply.send(Ok(PingReply {
                name: ping.name,
                ip: pong.from,
                endpoint,
                relay,
                microseconds,
            }));
        }
    }
}
