//! Selects the path to a peer: directly over UDP or through a relay.
//!
//! A direct path counts as open once something sent on it was answered on it: a handshake, or a probe inside the tunnel.
//! Data from a peer only shows that the *peer's* direction works. Therefore data received through a relay never closes
//! a direct path and data received directly never opens one, and two peers cannot make each other switch back and
//! forth. While the last answer is not recent, data takes both paths; the peer accepts the first copy, and its
//! session's replay window refuses the second.
//!
//! A peer without a relay, such as an older agent, is reached where it was last heard and is never probed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::output::Output;
use super::place::Place;

/// While the last answer is more recent than this, data takes the direct path only.
const RECENT_ANSWER: Duration = Duration::from_secs(2);

/// Interval of probes on an open path in use.
const PROBE_OPEN_INTERVAL: Duration = Duration::from_secs(1);

/// A path counts as closed once a probe has been unanswered for this long.
const CLOSED_AFTER: Duration = Duration::from_secs(3);

/// Interval of probes on closed paths while data is sent through the relay.
const PROBE_CLOSED_INTERVAL: Duration = Duration::from_secs(2);
const PROBE_IDLE_INTERVAL: Duration = Duration::from_secs(25);

/// Minimum interval of probes, which a peer cannot shorten by sending probes itself.
const MIN_PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// A path counts as in use for this long after data was sent.
const IN_USE: Duration = Duration::from_secs(10);

/// A relay that was silent for longer may be gone, so data takes the closed direct path as well.
const RELAY_SILENT_AFTER: Duration = Duration::from_secs(10);

/// What is known of the paths to one peer.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The relay that the network map names.
    named_relay: Option<Place>,
    heard_relay: Option<(Place, Instant)>,
    /// The endpoint where the peer was last heard or has answered.
    direct: Option<SocketAddr>,
    open: bool,
    /// When the peer last answered on the direct path.
    last_answer: Option<Instant>,
    /// When the first unanswered probe was sent.
    unanswered_probe: Option<Instant>,
    last_probe: Option<Instant>,
    /// Whether to probe before the regular interval has passed.
    probe_soon: bool,
    data_sent: Option<Instant>,
}

/// Where a probe is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProbeTarget {
    /// On the open direct path.
    Current(SocketAddr),
    /// To all candidate endpoints.
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

impl Paths {
    /// Sets the relay named by the network map, and probes soon because endpoints may have changed.
    pub(super) fn configure(&mut self, relay: Option<Place>) {
        self.named_relay = relay;
        self.probe_soon = true;
    }

    /// Forgets all paths.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Returns whether the peer was ever heard.
    pub(super) fn has_heard_peer(&self) -> bool {
        self.direct.is_some() || self.heard_relay.is_some()
    }

    /// Returns the relay path to the peer.
    pub(super) fn relay(&self) -> Option<Place> {
        self.named_relay.or(self.heard_relay.map(|(place, _)| place))
    }

    /// Returns the endpoint where the peer was heard directly.
    pub(super) fn direct(&self) -> Option<SocketAddr> {
        self.direct
    }

    /// Returns the preferred path, for display.
    pub(super) fn place(&self) -> Option<Place> {
        let direct = self.direct.map(Place::Direct);
        match self.heard_relay {
            Some(_) if !self.open => self.relay(),
            _ => direct,
        }
    }

    /// Records an authenticated message received from `from`.
    pub(super) fn on_received(&mut self, from: Place, evidence: Evidence, now: Instant) {
        let Place::Direct(address) = from else {
            self.heard_relay = Some((from, now));
            return;
        };
        let elsewhere = self.direct != Some(address);
        if evidence == Evidence::Answer {
            let recent =
                self.last_answer.is_some_and(|when| now.saturating_duration_since(when) < RECENT_ANSWER);
            if self.open && recent && elsewhere {
                // A path that has recently answered is as good as any other.
                return;
            }
            self.direct = Some(address);
            (self.open, self.last_answer, self.unanswered_probe) = (true, Some(now), None);
        } else if self.relay().is_none() {
            self.direct = Some(address);
        } else if !self.open || (elsewhere && evidence == Evidence::Data) {
            // The peer may have moved: an answer on the old path says nothing about the new one.
            self.direct = Some(address);
            self.last_answer = None;
            if elsewhere || evidence == Evidence::Probe {
                self.probe_soon = true;
            }
        }
    }

    /// Verifies an open path again because the peer may have restarted or moved.
    pub(super) fn recheck(&mut self) {
        if self.relay().is_some() && self.open {
            self.last_answer = None;
            self.probe_soon = true;
        }
    }

    /// Returns the one or two paths that data takes.
    pub(super) fn routes(&self, now: Instant) -> [Option<Place>; 2] {
        let within = |moment: Option<Instant>, limit| {
            moment.is_some_and(|moment| now.saturating_duration_since(moment) < limit)
        };
        let (direct, relay) = (self.direct.map(Place::Direct), self.relay());
        if relay.is_none() || self.open && within(self.last_answer, RECENT_ANSWER) {
            return [direct, None];
        }
        let relayed_lately = within(self.heard_relay.map(|(_, when)| when), RELAY_SILENT_AFTER);
        if self.open || !relayed_lately { [direct, relay] } else { [None, relay] }
    }

    /// Sends a datagram on the paths that data takes.
    pub(super) fn send_on_routes(&self, datagram: &[u8], now: Instant, output: &mut Output) {
        self.routes(now).into_iter().flatten().for_each(|place| output.datagram(place, datagram));
    }

    /// Records that data was sent.
    pub(super) fn on_data_sent(&mut self, now: Instant) {
        self.data_sent = Some(now);
    }

    /// Returns whether [`Paths::probe`] may have something to do. Cheap, since it is called for every packet.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.relay().is_some()
            && (self.is_unanswered(now) || has_passed(self.last_probe, self.probe_interval(now), now))
    }

    /// Returns the probe that is due, if any, and records it as sent.
    pub(super) fn probe(&mut self, now: Instant) -> Option<ProbeTarget> {
        self.relay()?;
        if self.is_unanswered(now) {
            (self.open, self.unanswered_probe, self.last_answer) = (false, None, None);
            self.probe_soon = true;
        }
        // An unused path need not be verified.
        let unused = has_passed(self.data_sent, PROBE_OPEN_INTERVAL, now);
        if self.open && self.unanswered_probe.is_none() && unused && self.last_answer.is_some() {
            return None;
        }
        if !has_passed(self.last_probe, self.probe_interval(now), now) {
            return None;
        }
        (self.last_probe, self.probe_soon) = (Some(now), false);
        match self.direct.filter(|_| self.open) {
            Some(address) => {
                self.unanswered_probe.get_or_insert(now);
                Some(ProbeTarget::Current(address))
            }
            None => Some(ProbeTarget::AllCandidates),
        }
    }

    fn is_unanswered(&self, now: Instant) -> bool {
        self.open && self.unanswered_probe.is_some() && has_passed(self.unanswered_probe, CLOSED_AFTER, now)
    }

    /// Returns the current interval of probes.
    fn probe_interval(&self, now: Instant) -> Duration {
        match self.open {
            _ if self.probe_soon => MIN_PROBE_INTERVAL,
            true => PROBE_OPEN_INTERVAL,
            false if has_passed(self.data_sent, IN_USE, now) => PROBE_IDLE_INTERVAL,
            false => PROBE_CLOSED_INTERVAL,
        }
    }
}

fn has_passed(moment: Option<Instant>, limit: Duration, now: Instant) -> bool {
    moment.is_none_or(|moment| now.saturating_duration_since(moment) >= limit)
}

#[cfg(test)]
mod tests {
    use boringtun::x25519::PublicKey;

    use super::*;

    fn relay() -> Place {
        Place::Relayed { region: "blr1".parse().unwrap(), peer: PublicKey::from([1; 32]) }
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 51820))
    }

    fn at(last: u8) -> Place {
        Place::Direct(address(last))
    }

    /// Returns paths of which the direct one has just answered.
    fn open(now: Instant) -> Paths {
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        paths.on_received(at(1), Evidence::Answer, now);
        paths
    }

    #[test]
    fn is_due_never_misses_a_probe() {
        let start = Instant::now();
        let (mut paths, mut missed, mut probes) = (open(start), 0, 0);
        for step in 0..400 {
            let now = start + Duration::from_millis(50 * step);
            if step < 100 {
                paths.on_data_sent(now);
            }
            if step % 97 == 0 {
                paths.on_received(at(1), Evidence::Answer, now);
            }
            let (due, before) = (paths.is_due(now), format!("{paths:?}"));
            let probe = paths.probe(now);
            probes += usize::from(probe.is_some());
            missed += usize::from(!due && (probe.is_some() || format!("{paths:?}") != before));
        }
        assert_eq!(missed, 0);
        assert!(probes > 5, "{probes}");
    }

    #[test]
    fn peer_without_a_relay_is_followed_and_never_probed() {
        let now = Instant::now();
        let mut paths = Paths::default();
        assert_eq!((paths.routes(now), paths.place()), ([None, None], None));
        for place in [1, 2] {
            paths.on_received(at(place), Evidence::Data, now);
            assert_eq!(paths.routes(now), [Some(at(place)), None]);
            paths.on_data_sent(now);
            assert_eq!(paths.probe(now), None);
        }
        assert_eq!(paths.place(), Some(at(2)));
    }

    #[test]
    fn open_path_is_probed_in_use_and_closed_without_answers() {
        let start = Instant::now();
        let mut paths = open(start);
        assert_eq!(paths.routes(start), [Some(at(1)), None]);
        let idle = start + Duration::from_secs(60);
        assert_eq!(paths.probe(idle), None);
        assert_eq!(
            paths.routes(idle),
            [Some(at(1)), Some(relay())],
            "an old answer does not suffice for the direct path alone"
        );
        assert_eq!(paths.place(), Some(at(1)));

        let mut probes = 0;
        for milliseconds in (0..=3250).step_by(250) {
            let now = idle + Duration::from_millis(milliseconds);
            paths.on_data_sent(now);
            paths.on_received(relay(), Evidence::Data, now);
            let open = milliseconds < 3000;
            let probe = paths.probe(now);
            probes += u32::from(probe == Some(ProbeTarget::Current(address(1))));
            let routes = if open { [Some(at(1)), Some(relay())] } else { [None, Some(relay())] };
            assert_eq!(
                (paths.routes(now), paths.place().unwrap() == at(1)),
                (routes, open),
                "{milliseconds}"
            );
        }
        assert_eq!(probes, 3, "one per second");
    }

    #[test]
    fn closed_paths_are_probed_until_one_answers() {
        let start = Instant::now();
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        paths.on_received(relay(), Evidence::Data, start);
        assert_eq!(paths.probe(start), Some(ProbeTarget::AllCandidates));
        assert_eq!(paths.probe(start + Duration::from_secs(24)), None, "idle");
        let busy = start + Duration::from_secs(25);
        for seconds in [0, 2, 4] {
            paths.on_data_sent(busy + Duration::from_secs(seconds));
            assert_eq!(paths.probe(busy + Duration::from_secs(seconds)), Some(ProbeTarget::AllCandidates));
            assert_eq!(paths.probe(busy + Duration::from_secs(seconds + 1)), None);
        }
        let now = busy + Duration::from_secs(5);
        paths.on_received(at(3), Evidence::Probe, now);
        assert_eq!(paths.probe(now), Some(ProbeTarget::AllCandidates), "a peer that probes may be reachable");
        assert_eq!(paths.place(), Some(relay()));
        paths.on_received(at(3), Evidence::Answer, now);
        assert_eq!((paths.place(), paths.routes(now)), (Some(at(3)), [Some(at(3)), None]));
    }

    #[test]
    fn first_path_that_answers_is_kept() {
        let now = Instant::now();
        let mut paths = open(now);
        paths.on_received(at(2), Evidence::Answer, now);
        assert_eq!(paths.place(), Some(at(1)));
        paths.on_received(at(2), Evidence::Answer, now + RECENT_ANSWER);
        assert_eq!(paths.place(), Some(at(2)), "the first path has become silent");
    }

    #[test]
    fn idle_path_is_probed_once_data_is_sent() {
        let start = Instant::now();
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        assert_eq!(paths.probe(start), Some(ProbeTarget::AllCandidates));
        paths.on_received(at(1), Evidence::Answer, start);
        let now = start + PROBE_OPEN_INTERVAL;
        paths.on_data_sent(now);
        assert_eq!(paths.probe(now), Some(ProbeTarget::Current(address(1))));
    }

    #[test]
    fn relayed_data_does_not_close_an_open_path() {
        let start = Instant::now();
        let mut paths = open(start);
        for milliseconds in (0..60_000).step_by(100) {
            let now = start + Duration::from_millis(milliseconds);
            paths.on_data_sent(now);
            if paths.probe(now).is_some() {
                paths.on_received(at(1), Evidence::Answer, now);
            }
            paths.on_received(relay(), Evidence::Data, now);
            assert_eq!((paths.place(), paths.routes(now)), (Some(at(1)), [Some(at(1)), None]));
        }
    }

    #[test]
    fn moved_peer_is_reached_on_both_paths_until_it_answers() {
        let now = Instant::now();
        let mut paths = open(now);
        paths.on_received(at(2), Evidence::Probe, now);
        assert_eq!(paths.place(), Some(at(1)), "a probe alone does not move the path");
        paths.on_received(at(2), Evidence::Data, now);
        assert_eq!(paths.routes(now), [Some(at(2)), Some(relay())]);
        assert_eq!(paths.probe(now), Some(ProbeTarget::Current(address(2))));
        paths.on_received(at(2), Evidence::Answer, now);
        assert_eq!(paths.routes(now), [Some(at(2)), None]);
    }

    #[test]
    fn closed_path_is_used_while_the_relay_is_silent() {
        let start = Instant::now();
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        paths.on_received(at(1), Evidence::Data, start);
        assert_eq!(paths.routes(start), [Some(at(1)), Some(relay())]);
        paths.on_received(relay(), Evidence::Data, start);
        assert_eq!(paths.routes(start), [None, Some(relay())]);
        assert_eq!(paths.routes(start + RELAY_SILENT_AFTER), [Some(at(1)), Some(relay())]);
    }
}
