//! What a registration costs, as ratios of things that are measured in turn: everything else that the machine does meets
//! both alike. The clients are a process of their own. Words after `--` choose a part: `rates`, `growth`, `start`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod bare;
mod clients;
mod growth;
#[path = "../organisation.rs"]
mod organisation;
mod plane;
mod rates;
#[path = "../samples.rs"]
mod samples;
mod sql;

use std::time::Instant;

use mock_server::app::{self, Config, Fixture};
use samples::Samples;

const STARTS: usize = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if arguments.first().is_some_and(|word| word == clients::MODE) {
        return clients::run(&arguments[1..]);
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|word| word == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if wanted("rates") {
        runtime.block_on(rates::report());
    }
    if wanted("growth") {
        runtime.block_on(growth::report());
    }
    if wanted("start") {
        runtime.block_on(start());
    }
}

async fn start() {
    let mut starts = Samples::default();
    for _ in 0..STARTS {
        let started = Instant::now();
        let server = app::start(Config::embedded(Fixture::built_in().unwrap())).await.unwrap();
        starts.push(started.elapsed().as_secs_f64() * 1e3);
        server.stop().await;
    }
    println!("\nstart of an embedded server: {} ms (aim: less than 3)", starts.spread(1));
}
