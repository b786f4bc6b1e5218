//! Schemas of their own for runs that share a database, such as sub-tests.

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::address::Address;
use super::session::connect;
use crate::store::StoreError;

/// The class of the locks by which a run says that it lives: "run" in ASCII, and a blank.
const RUN_LOCK_CLASS: i32 = 0x7275_6e20;

/// Creates and drops schemas named `PREFIX_RUN_NUMBER`, on a connection that is open for as long as the run lives.
pub struct ScratchSchemas {
    address: Address,
    client: Client,
    driving: JoinHandle<()>,
    /// With the run, and without the number.
    prefix: String,
}

impl ScratchSchemas {
    /// Connects, and drops the schemas of runs that ended without doing so. Prefix and run must be lower-case letters and
    /// digits.
    pub async fn open(address: &Address, prefix: &str, run: &str) -> Result<Self, StoreError> {
        let (client, connection) = connect(address).await?;
        let driving = tokio::spawn(connection);
        let schemas = Self { address: address.clone(), client, driving, prefix: format!("{prefix}_{run}") };
        schemas.client.batch_execute("SET client_min_messages = warning").await?;
        schemas.lock(&schemas.prefix).await?;
        schemas.sweep(prefix).await?;
        Ok(schemas)
    }

    /// Creates an empty schema and returns its name, and the address that leads to its tables.
    pub async fn create(&self, number: usize) -> Result<(String, Address), StoreError> {
        let name = format!("{}_{number}", self.prefix);
        self.client.batch_execute(&format!("CREATE SCHEMA {name}")).await?;
        let address = self.address.in_schema(&name);
        Ok((name, address))
    }

    /// Drops a schema with all that it has.
    pub async fn drop(&self, name: &str) -> Result<(), StoreError> {
        Ok(self.client.batch_execute(&format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await?)
    }

    /// The number of connections that the database still has for this user.
    pub async fn free_connections(&self) -> Result<usize, StoreError> {
        let row = self
            .client
            .query_one(
                "SELECT current_setting('max_connections')::bigint
                     - current_setting('superuser_reserved_connections')::bigint
                     - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')",
                &[],
            )
            .await?;
        Ok(usize::try_from(super::integer(&row, 0)?).unwrap_or(0))
    }

    async fn sweep(&self, prefix: &str) -> Result<(), StoreError> {
        let pattern = format!("^{prefix}_[0-9a-z]+_[0-9]+$");
        let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname ~ $1";
        for row in self.client.query(sql, &[&pattern]).await? {
            let name = super::text(&row, 0)?;
            let run = name.rsplit_once('_').map_or(name.as_str(), |(run, _)| run);
            if run != self.prefix && self.lock(run).await? {
                self.drop(&name).await?;
                self.client
                    .batch_execute(&format!("SELECT pg_advisory_unlock({RUN_LOCK_CLASS}, hashtext('{run}'))"))
                    .await?;
            }
        }
        Ok(())
    }

    /// Returns `false` if the run lives.
    async fn lock(&self, run: &str) -> Result<bool, StoreError> {
        let sql = format!("SELECT pg_try_advisory_lock({RUN_LOCK_CLASS}, hashtext('{run}'))");
        let row = self.client.query_one(&sql, &[]).await?;
        Ok(super::integer(&row, 0)? != 0)
    }
}

impl Drop for ScratchSchemas {
    fn drop(&mut self) {
        self.driving.abort();
    }
}
