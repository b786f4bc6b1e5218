//! Tests of the path selection by a course of events.

use boringtun::x25519::PublicKey;

use super::direct::RECENT_ANSWER;
use super::probes::PROBE_OPEN_INTERVAL;
use super::*;

fn relay() -> PeerPath {
    PeerPath::Relayed { region: "blr1".parse().unwrap(), peer: PublicKey::from([1; 32]) }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 51820))
}

fn at(last: u8) -> PeerPath {
    PeerPath::Direct(address(last))
}

/// Returns paths of which the direct one has just answered.
fn open(now: Instant) -> PathSelector {
    let mut paths = PathSelector::default();
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
    let mut paths = PathSelector::default();
    assert_eq!((paths.routes(now), paths.current()), ([None, None], None));
    for endpoint in [1, 2] {
        paths.on_received(at(endpoint), Evidence::Data, now);
        assert_eq!(paths.routes(now), [Some(at(endpoint)), None]);
        paths.on_data_sent(now);
        assert_eq!(paths.probe(now), None);
    }
    assert_eq!(paths.current(), Some(at(2)));
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
    assert_eq!(paths.current(), Some(at(1)));

    let mut probes = 0;
    for milliseconds in (0..=3250).step_by(250) {
        let now = idle + Duration::from_millis(milliseconds);
        paths.on_data_sent(now);
        paths.on_received(relay(), Evidence::Data, now);
        let open = milliseconds < 3000;
        let probe = paths.probe(now);
        probes += u32::from(probe == Some(ProbeTarget::Current(address(1))));
        let routes = if open { [Some(at(1)), Some(relay())] } else { [None, Some(relay())] };
        assert_eq!((paths.routes(now), paths.current().unwrap() == at(1)), (routes, open), "{milliseconds}");
    }
    assert_eq!(probes, 3, "one per second");
}

#[test]
fn closed_paths_are_probed_until_one_answers() {
    let start = Instant::now();
    let mut paths = PathSelector::default();
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
    assert_eq!(paths.current(), Some(relay()));
    paths.on_received(at(3), Evidence::Answer, now);
    assert_eq!((paths.current(), paths.routes(now)), (Some(at(3)), [Some(at(3)), None]));
}

#[test]
fn first_path_that_answers_is_kept() {
    let now = Instant::now();
    let mut paths = open(now);
    paths.on_received(at(2), Evidence::Answer, now);
    assert_eq!(paths.current(), Some(at(1)));
    paths.on_received(at(2), Evidence::Answer, now + RECENT_ANSWER);
    assert_eq!(paths.current(), Some(at(2)), "the first path has become silent");
}

#[test]
fn idle_path_is_probed_once_data_is_sent() {
    let start = Instant::now();
    let mut paths = PathSelector::default();
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
        assert_eq!((paths.current(), paths.routes(now)), (Some(at(1)), [Some(at(1)), None]));
    }
}

#[test]
fn moved_peer_is_reached_on_both_paths_until_it_answers() {
    let now = Instant::now();
    let mut paths = open(now);
    paths.on_received(at(2), Evidence::Probe, now);
    assert_eq!(paths.current(), Some(at(1)), "a probe alone does not move the path");
    paths.on_received(at(2), Evidence::Data, now);
    assert_eq!(paths.routes(now), [Some(at(2)), Some(relay())]);
    assert_eq!(paths.probe(now), Some(ProbeTarget::Current(address(2))));
    paths.on_received(at(2), Evidence::Answer, now);
    assert_eq!(paths.routes(now), [Some(at(2)), None]);
}

#[test]
fn closed_path_is_used_while_the_relay_is_silent() {
    let start = Instant::now();
    let mut paths = PathSelector::default();
    paths.configure(Some(relay()));
    paths.on_received(at(1), Evidence::Data, start);
    assert_eq!(paths.routes(start), [Some(at(1)), Some(relay())]);
    paths.on_received(relay(), Evidence::Data, start);
    assert_eq!(paths.routes(start), [None, Some(relay())]);
    assert_eq!(paths.routes(start + RELAY_SILENT_AFTER), [Some(at(1)), Some(relay())]);
}
