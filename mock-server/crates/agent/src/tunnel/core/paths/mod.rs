//! Selects the path to a peer: directly over UDP or through a relay.
//!
//! A direct path counts as open once something sent on it was answered on it: a handshake, or a probe inside the tunnel.
//! Data from a peer only shows that the *peer's* direction works. Therefore data received through a relay never closes
//! a direct path and data received directly never opens one, and two peers cannot make each other switch back and
//! forth. While the last answer is not recent, data takes both paths; the peer accepts the first copy, and its
//! session's replay window refuses the second.
//!
//! A peer without a relay, such as an older agent, is reached where it was last heard and is never probed.

mod direct;
mod probes;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::output::Output;
use super::peer_path::PeerPath;
use direct::DirectPath;
use probes::ProbeSchedule;

/// A relay that was silent for longer may be gone, so data takes the closed direct path as well.
const RELAY_SILENT_AFTER: Duration = Duration::from_secs(10);

/// The paths to one peer.
#[derive(Debug, Default)]
pub(super) struct PathSelector {
    /// The relay that the network map names.
    named_relay: Option<PeerPath>,
    heard_relay: Option<HeardRelay>,
    direct: DirectPath,
    probes: ProbeSchedule,
}

/// The relay through which the peer was last heard.
#[derive(Debug, Clone, Copy)]
struct HeardRelay {
    path: PeerPath,
    at: Instant,
}

/// Where a probe is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProbeTarget {
    /// To the endpoint of the open direct path.
    Current(SocketAddr),
    AllCandidates,
}

/// What a message from a peer says about the path that it was received on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// It answers something that was sent on this path, so both directions work.
    Answer,
    /// The peer sends data on this path.
    Data,
    /// The peer tests whether this path works.
    Probe,
}

impl PathSelector {
    /// Sets the relay named by the network map, and probes soon because endpoints may have changed.
    pub(super) fn configure(&mut self, relay: Option<PeerPath>) {
        self.named_relay = relay;
        self.probes.request_soon();
    }

    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Returns whether the peer was ever heard.
    pub(super) fn has_heard_peer(&self) -> bool {
        self.direct.endpoint().is_some() || self.heard_relay.is_some()
    }

    /// Returns the relay path to the peer.
    pub(super) fn relay(&self) -> Option<PeerPath> {
        self.named_relay.or(self.heard_relay.map(|relay| relay.path))
    }

    /// Returns the endpoint where the peer was heard directly.
    pub(super) fn direct(&self) -> Option<SocketAddr> {
        self.direct.endpoint()
    }

    /// Returns the preferred path, for display.
    pub(super) fn current(&self) -> Option<PeerPath> {
        match self.heard_relay {
            Some(_) if !self.direct.is_open() => self.relay(),
            _ => self.direct.endpoint().map(PeerPath::Direct),
        }
    }

    /// Records an authenticated message received from `from`.
    pub(super) fn on_received(&mut self, from: PeerPath, evidence: Evidence, now: Instant) {
        let PeerPath::Direct(endpoint) = from else {
            self.heard_relay = Some(HeardRelay { path: from, at: now });
            return;
        };
        match evidence {
            Evidence::Answer => self.on_answer(endpoint, now),
            // Without a relay there is nothing to choose.
            _ if self.relay().is_none() => self.direct.follow(endpoint),
            Evidence::Data | Evidence::Probe => self.on_unverified(endpoint, evidence),
        }
    }

    fn on_answer(&mut self, endpoint: SocketAddr, now: Instant) {
        let elsewhere = self.direct.endpoint() != Some(endpoint);
        // A path that has recently answered is as good as any other.
        let keeps_current = self.direct.is_open() && self.direct.has_recent_answer(now) && elsewhere;
        if !keeps_current {
            self.direct.open(endpoint, now);
            self.probes.clear_unanswered();
        }
    }

    fn on_unverified(&mut self, endpoint: SocketAddr, evidence: Evidence) {
        let elsewhere = self.direct.endpoint() != Some(endpoint);
        // Only data shows that the peer has moved; a probe may be one of many.
        if self.direct.is_open() && !(elsewhere && evidence == Evidence::Data) {
            return;
        }
        // An answer on the old path says nothing about the new one.
        self.direct.follow(endpoint);
        self.direct.distrust();
        if elsewhere || evidence == Evidence::Probe {
            self.probes.request_soon();
        }
    }

    /// Verifies an open path again because the peer may have restarted or moved.
    pub(super) fn recheck(&mut self) {
        if self.relay().is_some() && self.direct.is_open() {
            self.direct.distrust();
            self.probes.request_soon();
        }
    }

    /// Returns the one or two paths that data takes.
    pub(super) fn routes(&self, now: Instant) -> [Option<PeerPath>; 2] {
        let direct = self.direct.endpoint().map(PeerPath::Direct);
        let relay = self.relay();
        if relay.is_none() || self.direct.is_open() && self.direct.has_recent_answer(now) {
            return [direct, None];
        }
        let relay_works = self
            .heard_relay
            .is_some_and(|relay| now.saturating_duration_since(relay.at) < RELAY_SILENT_AFTER);
        if self.direct.is_open() || !relay_works { [direct, relay] } else { [None, relay] }
    }

    /// Sends a datagram on the paths that data takes.
    pub(super) fn send_on_routes(&self, datagram: &[u8], now: Instant, output: &mut Output) {
        self.routes(now).into_iter().flatten().for_each(|path| output.datagram(path, datagram));
    }

    /// Records that data was sent.
    pub(super) fn on_data_sent(&mut self, now: Instant) {
        self.probes.on_data_sent(now);
    }

    /// Returns whether [`PathSelector::probe`] may have something to do. Cheap, since it is called for every packet.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.relay().is_some()
            && (self.is_open_path_timed_out(now) || self.probes.is_due(self.direct.is_open(), now))
    }

    /// Returns the probe that is due, if any, and records it as sent.
    pub(super) fn probe(&mut self, now: Instant) -> Option<ProbeTarget> {
        self.relay()?;
        if self.is_open_path_timed_out(now) {
            self.direct.close();
            self.probes.clear_unanswered();
            self.probes.request_soon();
        }
        if self.direct.is_open() && self.direct.was_answered() && self.probes.is_idle(now) {
            return None;
        }
        if !self.probes.is_due(self.direct.is_open(), now) {
            return None;
        }
        let open = self.direct.open_endpoint();
        self.probes.on_sent(open.is_some(), now);
        Some(open.map_or(ProbeTarget::AllCandidates, ProbeTarget::Current))
    }

    fn is_open_path_timed_out(&self, now: Instant) -> bool {
        self.direct.is_open() && self.probes.is_timed_out(now)
    }
}
