//! Registrations over HTTP at three replicas on one PostgreSQL, as ratios of things that are measured in turn:
//! `BENCH_DATABASE=postgres://… cargo bench -p mock-server --bench replicas`. Words after `--` choose a part: `rates`,
//! `cpu`, `growth`. The clients are a process of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

#[path = "../registrations/clients.rs"]
mod clients;
mod cpu;
mod database;
mod growth;
#[path = "../organisation.rs"]
mod organisation;
mod pgbench;
mod rates;
mod replicas;
#[path = "../samples.rs"]
mod samples;

use database::Database;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if arguments.first().is_some_and(|word| word == clients::MODE) {
        return clients::run(&arguments[1..]);
    }
    let Ok(url) = std::env::var("BENCH_DATABASE") else {
        println!("skipped: BENCH_DATABASE names no PostgreSQL database");
        return;
    };
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|word| word == part);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = Database::open(&url).await;
        if wanted("rates") {
            rates::report(&database).await;
        }
        if wanted("cpu") {
            cpu::report(&database).await;
        }
        if wanted("growth") {
            growth::report(&database).await;
        }
    });
}
