//! How fast the tunnel is beside other people's, and what it costs: everything in one run, in network namespaces.
//! Read the ratios, the absolutes are the machine's. Names after `--` choose some of it: `ztna`, `wireguard-go`…
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod ceiling;
mod contender;
mod crowd;
mod first_pong;
#[path = "../../tests/it/network/lab/mod.rs"]
mod lab;
#[path = "../samples.rs"]
mod samples;

use contender::{Contender, Measured, UNDER_RULES};
use mock_server::domain::access_rules::MAX_RULES;

const ROUNDS: usize = 5;
/// The tunnel's throughput, in multiples of what the others do.
const AIMS: [(&str, f64); 2] = [("wireguard-go", 2.5), ("gotatun", 1.3)];

fn main() {
    if let Some(missing) = lab::missing(&["wg", "iperf3", "ping"]) {
        println!("skipped: the benchmark needs {missing}");
        return;
    }
    let mut contenders: Vec<(Contender, Measured)> = Vec::new();
    for contender in Contender::all().into_iter().filter(|contender| wanted(contender.name())) {
        match contender.missing() {
            None => contenders.push((contender, Measured::default())),
            Some(missing) => println!("{} is left out: {missing}", contender.name()),
        }
    }
    // Interleaved, so that whatever else the machine does meets all alike.
    for _ in 0..ROUNDS {
        for (contender, measured) in &mut contenders {
            contender.round(measured);
        }
    }
    println!("| between two namespaces | TCP, Gbit/s | idle ping, median µs | 95 of 100 below, µs |");
    println!("|-|-|-|-|");
    for (contender, measured) in &contenders {
        let Measured { gigabits, pings, latency } = measured;
        let (name, most) = (contender.name(), pings.below(0.95));
        println!("| {name} | {} | {} | {most:.0} |", gigabits.spread(2), latency.spread(0));
    }
    if wanted("encryption") {
        println!("| encryption alone, one core | {:.2} | | |", ceiling::gigabits().median());
    }
    println!("\n| measured | value | aim |");
    println!("|-|-|-|");
    compare(&contenders);
    if wanted("crowd") {
        crowd::report();
    }
    if wanted("first-pong") {
        first_pong::report();
    }
}

/// Whether the command line names it, or nothing.
fn wanted(name: &str) -> bool {
    let mut names = std::env::args().skip(1).filter(|word| !word.starts_with("--")).peekable();
    names.peek().is_none() || names.any(|wanted| wanted == name)
}

fn compare(contenders: &[(Contender, Measured)]) {
    let find = |name: &str| contenders.iter().find(|(contender, _)| contender.name() == name).map(|(_, m)| m);
    let Some(own) = find("ztna") else { return };
    for (name, aim) in AIMS {
        let Some(other) = find(name) else { continue };
        println!(
            "| throughput, in {name}'s | {} | at least {aim} |",
            own.gigabits.to(&other.gigabits).spread(2)
        );
        println!("| latency, in {name}'s | {} | at most 1 |", own.latency.to(&other.latency).spread(2));
    }
    if let Some(ruled) = find(UNDER_RULES) {
        let (gigabits, latency) = (ruled.gigabits.to(&own.gigabits), ruled.latency.to(&own.latency));
        println!(
            "| throughput under {MAX_RULES} access rules, in that without | {} | at least 0.95 |",
            gigabits.spread(2)
        );
        println!("| latency under them, in that without | {} | at most 1.05 |", latency.spread(2));
    }
}
