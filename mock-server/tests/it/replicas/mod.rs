//! Several control planes on one PostgreSQL database behave as one. Skipped, with a line, where it is not installed.

mod clocks;
#[path = "../../../src/store/tests/cluster.rs"]
pub(crate) mod cluster;
mod histories;
mod limits;
mod races;
mod sharing;
mod tls;

use mock_server::app::Config;
use mock_server::control::{Clock, Random};
use mock_server::store::{Address, Location, ScratchSchemas};

use crate::test_server::{Answer, TestServer};

/// Returns an empty database, which replicas can share.
async fn database() -> Option<Location> {
    // Starting the server takes a second.
    let url = tokio::task::spawn_blocking(cluster::url).await.unwrap()?;
    let address = Address::parse(url).unwrap();
    let schemas = ScratchSchemas::open(&address, "it", &std::process::id().to_string()).await.unwrap();
    let (_, address) = schemas.create(cluster::number()).await.unwrap();
    Some(Location::Postgres(Box::new(address)))
}

/// Starts control planes on one database, with clocks of their own.
async fn replicas<const N: usize>() -> Option<[TestServer; N]> {
    replicas_with(std::array::from_fn(|_| Clock::adjustable())).await
}

/// Starts a control plane on one database for each clock.
async fn replicas_with<const N: usize>(clocks: [Clock; N]) -> Option<[TestServer; N]> {
    let database = database().await?;
    let mut replicas = Vec::new();
    for (seed, clock) in (1..).zip(clocks) {
        let (database, random) = (database.clone(), Random::seeded(seed));
        replicas.push(TestServer::with(Config { database, clock, random, ..TestServer::config() }).await);
    }
    replicas.try_into().ok()
}

fn text(answer: &Answer, pointer: &str) -> String {
    answer.body.pointer(pointer).and_then(|value| value.as_str()).expect(pointer).to_owned()
}
