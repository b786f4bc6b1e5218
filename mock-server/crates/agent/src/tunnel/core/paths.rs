//! Which way to a peer: directly over UDP, or through a relay.
//!
//! A direct path counts as open when something that went out this way was answered this way: a handshake, or a probe
//! inside the tunnel. What a peer sends says only that *its* way is open, so data heard through a relay never closes a
//! direct path, and data heard directly never opens one: two peers cannot talk each other to and fro. Where the answer
//! is not fresh, data takes both ways; a peer takes the first copy, and its session's window refuses the second.
//!
//! A peer without a relay, such as an agent of an older version, is sent to where it was heard last and is never probed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::output::Output;
use super::place::Place;

/// An answer that old is relied upon alone.
const FRESH: Duration = Duration::from_secs(2);

/// How often a path in use is asked whether it is open.
const PROBE_OPEN: Duration = Duration::from_secs(1);

/// After so long without an answer it is not.
const CLOSED_AFTER: Duration = Duration::from_secs(3);

/// How often closed paths are tried while data takes the relay, and while none does.
const PROBE_IN_USE: Duration = Duration::from_secs(2);
const PROBE_IDLE: Duration = Duration::from_secs(25);

/// Nobody makes this node probe more often by probing itself.
const PROBE_AGAIN: Duration = Duration::from_millis(500);

/// Data was sent so recently that more will be.
const IN_USE: Duration = Duration::from_secs(10);

/// A relay that was silent for longer is perhaps not there: data takes a closed path too.
const RELAY_SILENT: Duration = Duration::from_secs(10);

/// The ways to one peer.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Where the network map says that it listens, and where it was heard last.
    named_relay: Option<Place>,
    heard_relay: Option<(Place, Instant)>,
    /// Where it was heard last, or answered.
    direct: Option<SocketAddr>,
    open: bool,
    /// When it last answered over the direct path.
    answered: Option<Instant>,
    /// When the first probe was sent that nothing has come back for.
    asked: Option<Instant>,
    probed: Option<Instant>,
    /// Something happened that makes it worth asking before it is time.
    ask_soon: bool,
    used: Option<Instant>,
}

/// Where to send a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probing {
    /// Over the path in use.
    Current(SocketAddr),
    /// To wherever the peer may be.
    Everywhere,
}

/// What was heard of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The answer to something that was sent the same way.
    Answer,
    /// Something that was sent because the peer believes in the way it came.
    Data,
    /// Something that was sent to find out.
    Probe,
}

impl Paths {
    /// The relay that the network map names; endpoints that changed are worth a try.
    pub(super) fn configure(&mut self, relay: Option<Place>) {
        self.named_relay = relay;
        self.ask_soon = true;
    }

    /// The peer is nowhere.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether the peer was ever heard.
    pub(super) fn is_known(&self) -> bool {
        self.direct.is_some() || self.heard_relay.is_some()
    }

    /// The relay that takes datagrams for the peer.
    pub(super) fn relay(&self) -> Option<Place> {
        self.named_relay.or(self.heard_relay.map(|(place, _)| place))
    }

    /// Where it was heard directly.
    pub(super) fn direct(&self) -> Option<SocketAddr> {
        self.direct
    }

    /// Where the peer is.
    pub(super) fn place(&self) -> Option<Place> {
        let direct = self.direct.map(Place::Direct);
        match self.heard_relay {
            Some(_) if !self.open => self.relay(),
            _ => direct,
        }
    }

    /// Takes down that an authentic message came from there.
    pub(super) fn heard(&mut self, from: Place, what: Heard, now: Instant) {
        let Place::Direct(address) = from else {
            self.heard_relay = Some((from, now));
            return;
        };
        let elsewhere = self.direct != Some(address);
        if what == Heard::Answer {
            let fresh = self.answered.is_some_and(|when| now.saturating_duration_since(when) < FRESH);
            if self.open && fresh && elsewhere {
                // The first way that answers is as good as any: no need to change.
                return;
            }
            self.direct = Some(address);
            (self.open, self.answered, self.asked) = (true, Some(now), None);
        } else if self.relay().is_none() {
            self.direct = Some(address);
        } else if !self.open || (elsewhere && what == Heard::Data) {
            // It may have moved: what is known of the old path says nothing of this one.
            self.direct = Some(address);
            self.answered = None;
            if elsewhere || what == Heard::Probe {
                self.ask_soon = true;
            }
        }
    }

    /// The peer has perhaps lost its session, and is perhaps somewhere else.
    pub(super) fn doubt(&mut self) {
        if self.relay().is_some() && self.open {
            self.answered = None;
            self.ask_soon = true;
        }
    }

    /// Where data goes now.
    pub(super) fn routes(&self, now: Instant) -> [Option<Place>; 2] {
        let within = |moment: Option<Instant>, limit| {
            moment.is_some_and(|moment| now.saturating_duration_since(moment) < limit)
        };
        let (direct, relay) = (self.direct.map(Place::Direct), self.relay());
        if relay.is_none() || self.open && within(self.answered, FRESH) {
            return [direct, None];
        }
        let relayed_lately = within(self.heard_relay.map(|(_, when)| when), RELAY_SILENT);
        if self.open || !relayed_lately { [direct, relay] } else { [None, relay] }
    }

    /// Sends a datagram where data goes now.
    pub(super) fn carry(&self, datagram: &[u8], now: Instant, output: &mut Output) {
        self.routes(now).into_iter().flatten().for_each(|place| output.datagram(place, datagram));
    }

    /// Data was sent.
    pub(super) fn used(&mut self, now: Instant) {
        self.used = Some(now);
    }

    /// Whether [`Paths::probe`] may have anything to do; cheap, for it is asked with every packet.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.relay().is_some() && (self.is_unanswered(now) || passed(self.probed, self.pause(now), now))
    }

    /// The probe that is due, if one is. It counts as sent.
    pub(super) fn probe(&mut self, now: Instant) -> Option<Probing> {
        self.relay()?;
        if self.is_unanswered(now) {
            (self.open, self.asked, self.answered) = (false, None, None);
            self.ask_soon = true;
        }
        // A path that nobody uses need not be open.
        let unused = passed(self.used, PROBE_OPEN, now);
        if self.open && self.asked.is_none() && unused && self.answered.is_some() {
            return None;
        }
        if !passed(self.probed, self.pause(now), now) {
            return None;
        }
        (self.probed, self.ask_soon) = (Some(now), false);
        match self.direct.filter(|_| self.open) {
            Some(address) => {
                self.asked.get_or_insert(now);
                Some(Probing::Current(address))
            }
            None => Some(Probing::Everywhere),
        }
    }

    fn is_unanswered(&self, now: Instant) -> bool {
        self.open && self.asked.is_some() && passed(self.asked, CLOSED_AFTER, now)
    }

    /// How far probes are apart at the moment.
    fn pause(&self, now: Instant) -> Duration {
        match self.open {
            _ if self.ask_soon => PROBE_AGAIN,
            true => PROBE_OPEN,
            false if passed(self.used, IN_USE, now) => PROBE_IDLE,
            false => PROBE_IN_USE,
        }
    }
}

fn passed(moment: Option<Instant>, limit: Duration, now: Instant) -> bool {
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

    /// A peer whose direct path was just found open.
    fn open(now: Instant) -> Paths {
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        paths.heard(at(1), Heard::Answer, now);
        paths
    }

    #[test]
    fn nothing_is_missed_by_not_asking_while_nothing_is_due() {
        let start = Instant::now();
        let (mut paths, mut missed, mut probes) = (open(start), 0, 0);
        for step in 0..400 {
            let now = start + Duration::from_millis(50 * step);
            if step < 100 {
                paths.used(now);
            }
            if step % 97 == 0 {
                paths.heard(at(1), Heard::Answer, now);
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
    fn an_old_agent_is_followed_and_never_probed() {
        let now = Instant::now();
        let mut paths = Paths::default();
        assert_eq!((paths.routes(now), paths.place()), ([None, None], None));
        for place in [1, 2] {
            paths.heard(at(place), Heard::Data, now);
            assert_eq!(paths.routes(now), [Some(at(place)), None]);
            paths.used(now);
            assert_eq!(paths.probe(now), None);
        }
        assert_eq!(paths.place(), Some(at(2)));
    }

    #[test]
    fn an_open_path_is_probed_in_use_only_and_left_when_nothing_comes_back() {
        let start = Instant::now();
        let mut paths = open(start);
        assert_eq!(paths.routes(start), [Some(at(1)), None]);
        let idle = start + Duration::from_secs(60);
        assert_eq!(paths.probe(idle), None);
        assert_eq!(
            paths.routes(idle),
            [Some(at(1)), Some(relay())],
            "an old answer is not relied upon alone"
        );
        assert_eq!(paths.place(), Some(at(1)));

        let mut probes = 0;
        for milliseconds in (0..=3250).step_by(250) {
            let now = idle + Duration::from_millis(milliseconds);
            paths.used(now);
            paths.heard(relay(), Heard::Data, now);
            let open = milliseconds < 3000;
            let probe = paths.probe(now);
            probes += u32::from(probe == Some(Probing::Current(address(1))));
            let routes = if open { [Some(at(1)), Some(relay())] } else { [None, Some(relay())] };
            assert_eq!(
                (paths.routes(now), paths.place().unwrap() == at(1)),
                (routes, open),
                "{milliseconds}"
            );
        }
        assert_eq!(probes, 3, "one a second");
    }

    #[test]
    fn closed_paths_are_tried_until_one_answers() {
        let start = Instant::now();
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        paths.heard(relay(), Heard::Data, start);
        assert_eq!(paths.probe(start), Some(Probing::Everywhere));
        assert_eq!(paths.probe(start + Duration::from_secs(24)), None, "idle");
        let busy = start + Duration::from_secs(25);
        for seconds in [0, 2, 4] {
            paths.used(busy + Duration::from_secs(seconds));
            assert_eq!(paths.probe(busy + Duration::from_secs(seconds)), Some(Probing::Everywhere));
            assert_eq!(paths.probe(busy + Duration::from_secs(seconds + 1)), None);
        }
        let now = busy + Duration::from_secs(5);
        paths.heard(at(3), Heard::Probe, now);
        assert_eq!(paths.probe(now), Some(Probing::Everywhere), "who probes can perhaps be reached");
        assert_eq!(paths.place(), Some(relay()));
        paths.heard(at(3), Heard::Answer, now);
        assert_eq!((paths.place(), paths.routes(now)), (Some(at(3)), [Some(at(3)), None]));
    }

    #[test]
    fn of_several_ways_the_first_that_answers_is_kept() {
        let now = Instant::now();
        let mut paths = open(now);
        paths.heard(at(2), Heard::Answer, now);
        assert_eq!(paths.place(), Some(at(1)));
        paths.heard(at(2), Heard::Answer, now + FRESH);
        assert_eq!(paths.place(), Some(at(2)), "the first has fallen silent");
    }

    #[test]
    fn a_path_that_opens_while_nothing_is_sent_is_asked_again_as_soon_as_something_is() {
        let start = Instant::now();
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        assert_eq!(paths.probe(start), Some(Probing::Everywhere));
        paths.heard(at(1), Heard::Answer, start);
        let now = start + PROBE_OPEN;
        paths.used(now);
        assert_eq!(paths.probe(now), Some(Probing::Current(address(1))));
    }

    #[test]
    fn nothing_heard_through_the_relay_closes_an_open_path() {
        let start = Instant::now();
        let mut paths = open(start);
        for milliseconds in (0..60_000).step_by(100) {
            let now = start + Duration::from_millis(milliseconds);
            paths.used(now);
            if paths.probe(now).is_some() {
                paths.heard(at(1), Heard::Answer, now);
            }
            paths.heard(relay(), Heard::Data, now);
            assert_eq!((paths.place(), paths.routes(now)), (Some(at(1)), [Some(at(1)), None]));
        }
    }

    #[test]
    fn a_peer_that_moves_is_followed_over_both_ways_until_it_answers() {
        let now = Instant::now();
        let mut paths = open(now);
        paths.heard(at(2), Heard::Probe, now);
        assert_eq!(paths.place(), Some(at(1)), "it only asks");
        paths.heard(at(2), Heard::Data, now);
        assert_eq!(paths.routes(now), [Some(at(2)), Some(relay())]);
        assert_eq!(paths.probe(now), Some(Probing::Current(address(2))));
        paths.heard(at(2), Heard::Answer, now);
        assert_eq!(paths.routes(now), [Some(at(2)), None]);
    }

    #[test]
    fn without_its_relay_a_closed_path_is_used_all_the_same() {
        let start = Instant::now();
        let mut paths = Paths::default();
        paths.configure(Some(relay()));
        paths.heard(at(1), Heard::Data, start);
        assert_eq!(paths.routes(start), [Some(at(1)), Some(relay())]);
        paths.heard(relay(), Heard::Data, start);
        assert_eq!(paths.routes(start), [None, Some(relay())]);
        assert_eq!(paths.routes(start + RELAY_SILENT), [Some(at(1)), Some(relay())]);
    }
}
