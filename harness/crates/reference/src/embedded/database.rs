//! The database of the embedded reference: in memory, or a schema of PostgreSQL for each control plane.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mock_server::store::{Address, Location, ScratchSchemas, StoreError};

use crate::ReferenceError;

const PREFIX: &str = "harness";
/// A writer, a listener, and some readers.
const CONNECTIONS_OF_REPLICA: usize = 5;

/// `--database` and `--replicas`.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseOptions<'a> {
    /// `sqlite::memory:` or `postgres://…`.
    pub url: &'a str,
    /// The control planes that share a database.
    pub replicas: usize,
}

/// Provides each control plane with an empty database.
#[derive(Clone, Default)]
pub(super) struct Databases {
    schemas: Option<Arc<Schemas>>,
    replicas: usize,
}

struct Schemas {
    name: String,
    scratch: ScratchSchemas,
    created: AtomicUsize,
    free_connections: usize,
}

/// A database of one control plane, and of its replicas.
pub(super) struct Database {
    pub(super) location: Location,
    schema: Option<(Arc<Schemas>, String)>,
}

impl Databases {
    /// # Errors
    /// The database is not supported or cannot be reached, or replicas are to share one in memory.
    pub(super) async fn open(options: DatabaseOptions<'_>) -> Result<Self, ReferenceError> {
        let DatabaseOptions { url, replicas } = options;
        if url == "sqlite::memory:" {
            return match replicas {
                1 => Ok(Self::default()),
                _ => Err(ReferenceError::ReplicasInMemory),
            };
        }
        let Some(address) = postgres(url)? else {
            let scheme = url.split(':').next().unwrap_or_default().to_owned();
            return Err(ReferenceError::UnsuitableDatabase { scheme });
        };
        let run = format!("{:016x}", rand::random::<u64>());
        let scratch = ScratchSchemas::open(&address, PREFIX, &run).await?;
        let free_connections = scratch.free_connections().await?;
        let name = address.to_string();
        let schemas = Schemas { name, scratch, created: AtomicUsize::new(0), free_connections };
        Ok(Self { schemas: Some(Arc::new(schemas)), replicas })
    }

    pub(super) fn replicas(&self) -> usize {
        self.replicas.max(1)
    }

    /// The control planes that may run at once.
    pub(super) fn max_concurrency(&self) -> Option<usize> {
        let schemas = self.schemas.as_ref()?;
        Some((schemas.free_connections / (CONNECTIONS_OF_REPLICA * self.replicas())).max(1))
    }

    /// What reports say of it, if it is not in memory.
    pub(super) fn description(&self) -> Option<String> {
        let schemas = self.schemas.as_ref()?;
        Some(match self.replicas() {
            1 => format!("on {}", schemas.name),
            replicas => format!("{replicas} replicas on {}", schemas.name),
        })
    }

    pub(super) async fn create(&self) -> Result<Database, StoreError> {
        let Some(schemas) = &self.schemas else {
            return Ok(Database { location: Location::Memory, schema: None });
        };
        let (name, address) = schemas.scratch.create(schemas.created.fetch_add(1, Ordering::Relaxed)).await?;
        let location = Location::Postgres(Box::new(address));
        Ok(Database { location, schema: Some((Arc::clone(schemas), name)) })
    }
}

impl Database {
    /// Removes what the control plane stored; to be called once it has stopped.
    pub(super) async fn drop(self) {
        if let Some((schemas, name)) = self.schema {
            // Otherwise the next run removes it.
            let _ = schemas.scratch.drop(&name).await;
        }
    }
}

/// Parses a URL of PostgreSQL.
pub(super) fn postgres(url: &str) -> Result<Option<Address>, ReferenceError> {
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    Ok(is_postgres.then(|| Address::parse(url)).transpose()?)
}
