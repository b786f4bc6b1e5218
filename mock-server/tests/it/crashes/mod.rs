//! `mock-server serve`, alone or as replicas on PostgreSQL, killed again and again in a storm of requests: nothing that it
//! acknowledged is lost, nothing is spent twice, and all counts agree.
//!
//! The storm registers machines, spends single-use keys from two sides at once, logs devices in and out, and revokes,
//! quarantines and deletes. The database is compared with what was acknowledged after every kill, and the restarted server
//! is asked as well.

mod books;
mod client;
mod ledger;
mod load;
mod shared;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use rustix::process::Signal;

use crate::server_process::ServerProcess;
use crate::wait::DEADLINE;
use books::Books;
use client::Client;
use ledger::Ledger;
use load::Storm;

/// Organisations without limits that a storm would reach.
const FIXTURE: &str = r#"
[[organisation]]
id = "storm"
name = "Storm"
machine_limit = 1000000

[[user]]
email = "admin@storm.example"
name = "Ada"
password = "a password"
roles = { storm = "admin" }

[session]
lifetime = "12h"
device_code_lifetime = "2m"
device_poll_interval = "1s"
"#;

/// How many requests are acknowledged in each round at least.
const LEAST_ACKNOWLEDGED: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn five_kills_lose_nothing() {
    run(5).await;
}

mod slow {
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "takes two minutes"]
    async fn fifty_kills_lose_nothing() {
        super::run(super::kills()).await;
    }
}

/// The number of kills of the slow tests; `just storm` names another one.
fn kills() -> usize {
    std::env::var("STORM_KILLS").map_or(50, |kills| kills.parse().expect("STORM_KILLS is a number"))
}

/// Waits until that many requests have been acknowledged since the storm began.
async fn acknowledged(storm: &Storm, count: usize) {
    let started = Instant::now();
    while storm.acknowledged() < count {
        assert!(started.elapsed() < DEADLINE, "too few answers: {}", storm.acknowledged());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn run(kills: usize) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("plane.db");
    let fixture = folder.path().join("fixture.toml");
    std::fs::write(&fixture, FIXTURE).unwrap();
    let arguments =
        [format!("--database=sqlite:{}", database.display()), format!("--fixture={}", fixture.display())];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let mut ledger = Ledger::default();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..kills {
        if round % 2 == 1 {
            kill_while_starting(folder.path(), &arguments, Duration::from_millis(next(&mut random) % 60));
        }
        let mut server = ServerProcess::start(folder.path(), &arguments);
        let client = Client::of(&server);
        ledger.ask_again(&client).await;
        let storm = Storm::begin(client, &ledger, round).await;
        acknowledged(&storm, LEAST_ACKNOWLEDGED).await;
        tokio::time::sleep(Duration::from_millis(next(&mut random) % 1000)).await;
        server.signal(Signal::KILL);
        server.wait();
        ledger.add(storm.end().await);
        Books::of_file(&database).check(&ledger).await;
    }
    let server = ServerProcess::start(folder.path(), &arguments);
    ledger.ask_again(&Client::of(&server)).await;
    drop(server);
    Books::of_file(&database).check(&ledger).await;
    for (number, damage) in books::DAMAGES.into_iter().enumerate() {
        let damaged = folder.path().join(format!("damaged-{number}.db"));
        books::copy_with(&database, &damaged, damage);
        let books = Books::of_file(&damaged);
        let noticed = AssertUnwindSafe(books.check(&ledger)).catch_unwind().await.is_err();
        assert!(noticed, "the books did not notice: {damage}");
    }
    report(&format!("{kills} kills: {}", ledger.summary()));
}

#[allow(clippy::print_stderr, reason = "the figures of the run, for `--nocapture`")]
fn report(line: &str) {
    eprintln!("{line}");
}

/// Kills a server that may be recovering the database of the one before.
fn kill_while_starting(folder: &Path, arguments: &[&str], after: Duration) {
    let mut command = ServerProcess::command(arguments);
    command.arg("--ready-file").arg(folder.join("never.json")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A xorshift generator: the kills of a failed run come at the same moments again.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
