//! What agents that wait for their network map cost, in an organisation of ten thousand machines: memory, CPU time, and
//! the time until all have heard of a machine that joins. The control plane is a process of its own, on a SQLite file, and
//! on PostgreSQL if BENCH_DATABASE names one. BENCH_SERVER may name another mock-server, for a comparison.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod agent;
mod fill;
#[path = "../organisation.rs"]
mod organisation;
mod rounds;
#[path = "../samples.rs"]
mod samples;
mod server;

use mock_server::store::{Address, ScratchSchemas};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use server::Server;

const MACHINES: usize = 10_000;
const AGENTS: usize = 5_000;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let needed = u64::try_from(AGENTS + 500).unwrap();
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        println!("skipped: {AGENTS} agents need {needed} open files (ulimit -Hn)");
        return;
    }
    // One thread, so that the control plane has the other core of a small machine.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let database = format!("sqlite:{}", folder.path().join("map.db").display());
        measure("SQLite", &database).await;
        match std::env::var("BENCH_DATABASE") {
            Ok(url) => on_postgres(&url).await,
            Err(_) => println!("\nPostgreSQL skipped: BENCH_DATABASE names no database"),
        }
    });
}

async fn on_postgres(url: &str) {
    let address = Address::parse(url).unwrap();
    let schemas = ScratchSchemas::open(&address, "map", &std::process::id().to_string()).await.unwrap();
    let (schema, _) = schemas.create(0).await.unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    measure("PostgreSQL", &format!("{url}{separator}options=-csearch_path%3D{schema}")).await;
    schemas.drop(&schema).await.unwrap();
}

async fn measure(name: &str, database: &str) {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), database).await);
    let version = fill::fill(database, MACHINES).await;
    let server = Server::start(folder.path(), database).await;
    rounds::report(name, &server, version).await;
}
