//! Direct paths that close and open, with the relay at the control plane meanwhile.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::network::lab::{HUB, Lab, Machine, Plane, require, within};

const UP: &[&str] = &["--userspace"];

/// Longer than it takes to find out that a path in use is closed, or open again.
const SETTLED: Duration = Duration::from_secs(8);

/// Whether a ping is answered, and that way.
fn pings_via(machine: &Machine<'_>, named: &str, way: &str) -> bool {
    let pong = machine.run(&["ping", named, "--timeout", "200ms"]);
    pong.code == Some(0) && pong.stdout.contains(&format!(" via {way}"))
}

#[test]
#[ignore = "needs root and ip"]
fn closed_path_falls_back_to_the_relay_and_recovers() {
    require(&[]);
    let lab = Lab::star(&["one", "other"]);
    let plane = Plane::serve(&lab, HUB, Ipv4Addr::new(10, 77, 1, 1), &[]);
    let (one, other) = (Machine::new(&lab, "one", &plane), Machine::new(&lab, "other", &plane));
    let (_one, _other) = (one.up(UP), other.up(UP));
    within(SETTLED, "the relay is known", || one.status()["derp_region"] == "blr1");
    within(SETTLED, "the way is direct", || pings_via(&one, "other", "DIRECT 10.77.2.2:"));

    for _ in 0..2 {
        lab.forwarding(false);
        let closed = Instant::now();
        within(Duration::from_secs(5), "pings are answered again", || one.pings("other", "200ms"));
        within(SETTLED, "the way is the relay", || pings_via(&one, "other", "RELAY blr1"));
        within(SETTLED, "the other way too", || pings_via(&other, "one", "RELAY blr1"));
        assert!(closed.elapsed() < SETTLED, "{:?}", closed.elapsed());

        lab.forwarding(true);
        within(SETTLED, "the way is direct again", || pings_via(&one, "other", "DIRECT 10.77.2.2:"));
        within(SETTLED, "the other way too", || pings_via(&other, "one", "DIRECT 10.77.1.2:"));
    }
}

#[test]
#[ignore = "needs root and ip"]
fn blocked_udp_uses_the_relay_from_the_start() {
    require(&[]);
    let lab = Lab::star(&["one", "other"]);
    lab.forwarding(false);
    let plane = Plane::serve(&lab, HUB, Ipv4Addr::new(10, 77, 1, 1), &[]);
    let (one, other) = (Machine::new(&lab, "one", &plane), Machine::new(&lab, "other", &plane));
    let (_one, _other) = (one.up(UP), other.up(UP));
    within(SETTLED, "the way is the relay", || pings_via(&one, "other", "RELAY blr1"));
    lab.forwarding(true);
    within(SETTLED, "the way is direct", || pings_via(&one, "other", "DIRECT 10.77.2.2:"));
}

#[test]
#[ignore = "needs root and ip"]
fn opening_a_path_loses_no_ping() {
    require(&[]);
    let lab = Lab::star(&["one", "other"]);
    lab.forwarding(false);
    let plane = Plane::serve(&lab, HUB, Ipv4Addr::new(10, 77, 1, 1), &[]);
    let (one, other) = (Machine::new(&lab, "one", &plane), Machine::new(&lab, "other", &plane));
    let (_one, _other) = (one.up(UP), other.up(UP));
    within(SETTLED, "the way is the relay", || pings_via(&one, "other", "RELAY blr1"));
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
