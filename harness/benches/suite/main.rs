//! `cargo bench -p harness --bench suite`: what a run costs, beside what it could not cost less than. The server that is
//! asked is a process of its own, and the contenders take turns: ratios are taken within a round. With `-- steps` only
//! steps are measured.

#[path = "../figures/mod.rs"]
mod figures;
mod runs;
mod server;
mod steps;
mod sub_test;

use std::io::Write as _;
use std::time::Duration;

use figures::machine;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 9;
/// Of each kind, in a round.
const STEPS: usize = 2000;
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn main() -> Result<(), Failure> {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    if std::env::var_os(server::SERVES).is_some() {
        return runtime()?.block_on(server::serve());
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}\nmedians of {ROUNDS} rounds in turn (least to most)\n", machine())?;
    writeln!(out, "{:36} {:28} aim", "", "measured")?;
    if !std::env::args().any(|word| word == "steps") {
        runs::print(&mut out)?;
    }
    stay_on_this_core()?;
    steps::print(&mut out, &runtime()?)
}

/// Keeps this thread, and what it starts from now on, on one core: how long a client sleeps until the server's core has
/// woken differs fourfold from one second to the next, and has nothing to do with either.
fn stay_on_this_core() -> Result<(), Failure> {
    let mut cores = CpuSet::new();
    cores.set(sched_getcpu()?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cores)?)
}
