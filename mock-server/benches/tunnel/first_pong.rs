//! From the start of a machine's agent to the first answer it gives another, with an embedded control plane.

use std::net::Ipv4Addr;
use std::time::Instant;

use crate::lab::{ControlPlane, Lab, Machine, PATIENCE, within};
use crate::samples::Samples;

const ROUNDS: usize = 10;

pub(crate) fn report() {
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        samples.push(milliseconds());
    }
    println!(
        "| registration to first ping, median of {ROUNDS}, ms | {:.0} | less than 300 |",
        samples.median()
    );
    println!("| the slowest of them, ms | {:.0} | less than 300 |", samples.below(1.0));
}

/// A machine that never was before comes up; the other one's `ztna ping` is tried until it is answered.
fn milliseconds() -> f64 {
    let lab = Lab::pair(["first", "second"]);
    let plane = ControlPlane::serve(&lab, "first", Ipv4Addr::new(10, 77, 0, 1), &[]);
    let (first, second) = (Machine::new(&lab, "first", &plane), Machine::new(&lab, "second", &plane));
    let _first = first.up(&["--userspace"]);
    let start = Instant::now();
    let _second = second.start(&["--userspace"]);
    within(PATIENCE, "the first pong", || first.pings("second", "1s"));
    start.elapsed().as_secs_f64() * 1e3
}
