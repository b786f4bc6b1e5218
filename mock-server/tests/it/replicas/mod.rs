//! Several control planes on one PostgreSQL database behave as one. Skipped, with a line, where it is not installed.

#[path = "../../../src/store/tests/cluster.rs"]
mod cluster;
mod failures;
mod races;
mod sharing;

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

/// Starts control planes on one database.
async fn replicas<const N: usize>() -> Option<[TestServer; N]> {
    let database = database().await?;
    let mut replicas = Vec::new();
    for seed in 1..=N {
        replicas.push(TestServer::open(database.clone(), u64::try_from(seed).unwrap()).await);
    }
    replicas.try_into().ok()
}

fn text(answer: &Answer, pointer: &str) -> String {
    answer.body.pointer(pointer).and_then(|value| value.as_str()).expect(pointer).to_owned()
}
