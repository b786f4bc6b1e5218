//! Direct paths that close and open; meanwhile traffic takes the relay.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::network::lab::{ControlPlane, HUB, Lab, Machine, require, within};

const UP: &[&str] = &["--userspace"];

/// More than it takes to notice that a path in use has closed or opened.
const SETTLED: Duration = Duration::from_secs(8);

/// Whether a ping is answered by that way.
fn pings_via(machine: &Machine<'_>, named: &str, way: &str) -> bool {
    let pong = machine.run(&["ping", named, "--timeout", "200ms"]);
    pong.code == Some(0) && pong.stdout.contains(&format!(" via {way}"))
}

#[test]
#[ignore = "needs root and ip"]
fn closed_path_falls_back_to_the_relay_and_recovers() {
    require(&[]);
    let lab = Lab::star(&["one", "other"]);
    let plane = ControlPlane::serve(&lab, HUB, Ipv4Addr::new(10, 77, 1, 1), &[]);
    let (one, other) = (Machine::new(&lab, "one", &plane), Machine::new(&lab, "other", &plane));
    let (_one, _other) = (one.up(UP), other.up(UP));
    within(SETTLED, "the relay is connected", || one.status()["derp_region"] == "blr1");
    within(SETTLED, "traffic is direct", || pings_via(&one, "other", "DIRECT 10.77.2.2:"));

    for _ in 0..2 {
        lab.forwarding(false);
        let closed = Instant::now();
        within(Duration::from_secs(5), "pings are answered again", || one.pings("other", "200ms"));
        within(SETTLED, "traffic takes the relay", || pings_via(&one, "other", "RELAY blr1"));
        within(SETTLED, "the same in the other direction", || pings_via(&other, "one", "RELAY blr1"));
        assert!(closed.elapsed() < SETTLED, "{:?}", closed.elapsed());

        lab.forwarding(true);
        within(SETTLED, "traffic is direct again", || pings_via(&one, "other", "DIRECT 10.77.2.2:"));
        within(SETTLED, "the same in the other direction", || pings_via(&other, "one", "DIRECT 10.77.1.2:"));
    }
}

#[test]
#[ignore = "needs root and ip"]
fn blocked_udp_uses_the_relay_from_the_start() {
    require(&[]);
    let lab = Lab::star(&["one", "other"]);
    lab.forwarding(false);
    let plane = ControlPlane::serve(&lab, HUB, Ipv4Addr::new(10, 77, 1, 1), &[]);
    let (one, other) = (Machine::new(&lab, "one", &plane), Machine::new(&lab, "other", &plane));
    let (_one, _other) = (one.up(UP), other.up(UP));
    within(SETTLED, "traffic takes the relay", || pings_via(&one, "other", "RELAY blr1"));
    lab.forwarding(true);
    within(SETTLED, "traffic is direct", || pings_via(&one, "other", "DIRECT 10.77.2.2:"));
}

#[test]
#[ignore = "needs root and ip"]
fn opening_a_path_loses_no_ping() {
    require(&[]);
    let lab = Lab::star(&["one", "other"]);
    lab.forwarding(false);
    let plane = ControlPlane::serve(&lab, HUB, Ipv4Addr::new(10, 77, 1, 1), &[]);
    let (one, other) = (Machine::new(&lab, "one", &plane), Machine::new(&lab, "other", &plane));
    let (_one, _other) = (one.up(UP), other.up(UP));
    within(SETTLED, "traffic takes the relay", || pings_via(&one, "other", "RELAY blr1"));
    lab.forwarding(true);
    let words = ["ping", "other", "-c", "50", "--interval", "100ms", "--timeout", "1s"];
    let ended = one.run(&words);
    assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str()), (50, ""), "{}", ended.stdout);
    assert!(
        ended.stdout.lines().last().is_some_and(|line| line.contains(" via DIRECT ")),
        "{}",
        ended.stdout
    );
}
