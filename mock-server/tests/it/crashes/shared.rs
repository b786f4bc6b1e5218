//! Three replicas on PostgreSQL: one of them is killed again and again, then PostgreSQL is.

use std::path::Path;
use std::time::{Duration, Instant};

use mock_server::store::{Address, Location};
use rustix::process::Signal;

use super::books::Books;
use super::client::Client;
use super::ledger::Ledger;
use super::load::Storm;
use super::{FIXTURE, acknowledged, kills, next, report};
use crate::replicas::cluster::Cluster;
use crate::server_process::ServerProcess;

const REPLICAS: usize = 3;
/// How many requests are acknowledged before a kill, and after it by those that are left, at least.
const LEAST_ACKNOWLEDGED: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn killed_replicas_and_databases_lose_nothing() {
    run(3).await;
}

mod slow {
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "takes minutes"]
    async fn fifty_killed_replicas_and_databases_lose_nothing() {
        super::run(super::kills()).await;
    }
}

/// Kills a replica as often, and then the database as often.
async fn run(kills: usize) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(mut cluster) = tokio::task::spawn_blocking(Cluster::start).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Postgres(Box::new(Address::parse(cluster.url()).unwrap()));
    let mut replicas: Vec<ServerProcess> =
        (0..REPLICAS).map(|number| start(folder.path(), number, cluster.url())).collect();
    let books = Books::of(&location);
    let mut ledger = Ledger::default();
    // Between the return of the database and that of the service.
    let mut longest = Duration::ZERO;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..2 * kills {
        let client = Client::over(&replicas);
        ledger.ask_again(&client).await;
        let storm = Storm::begin(client, &ledger, round).await;
        acknowledged(&storm, LEAST_ACKNOWLEDGED).await;
        tokio::time::sleep(Duration::from_millis(next(&mut random) % 200)).await;
        if round < kills {
            let killed = round % REPLICAS;
            replicas[killed].signal(Signal::KILL);
            replicas[killed].wait();
            acknowledged(&storm, storm.acknowledged() + LEAST_ACKNOWLEDGED).await;
            ledger.add(storm.end().await);
            replicas[killed] = start(folder.path(), killed, cluster.url());
        } else {
            cluster.order("stop");
            let before = storm.acknowledged();
            cluster.order("start");
            let back = Instant::now();
            acknowledged(&storm, before + 1).await;
            longest = longest.max(back.elapsed());
            acknowledged(&storm, before + LEAST_ACKNOWLEDGED).await;
            ledger.add(storm.end().await);
        }
        books.check(&ledger).await;
    }
    ledger.ask_again(&Client::over(&replicas)).await;
    books.check(&ledger).await;
    assert!(!ledger.machines.is_empty() && !ledger.single_use.is_empty() && !ledger.quarantined.is_empty());
    report(&format!(
        "{kills} kills of replicas and {kills} of PostgreSQL: {}; {} refused, {} untold, service back after {} ms at most",
        ledger.summary(),
        ledger.refused.len(),
        ledger.untold.len(),
        longest.as_millis()
    ));
}

fn start(folder: &Path, number: usize, url: &str) -> ServerProcess {
    let folder = folder.join(number.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    let fixture = folder.join("fixture.toml");
    std::fs::write(&fixture, FIXTURE).unwrap();
    ServerProcess::start(
        &folder,
        &[&format!("--database={url}"), &format!("--fixture={}", fixture.display())],
    )
}
