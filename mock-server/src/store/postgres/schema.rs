//! Schemas of their own for runs that share a database, such as sub-tests.

use super::address::Address;
use super::session::connect;
use crate::store::StoreError;

/// Creates an empty schema, and returns the address that leads to its tables. The name must be lower-case letters, digits
/// and underscores.
pub async fn create_schema(address: &Address, name: &str) -> Result<Address, StoreError> {
    run(address, &format!("CREATE SCHEMA {name}")).await?;
    Ok(address.in_schema(name))
}

/// Drops a schema with all that it has.
pub async fn drop_schema(address: &Address, name: &str) -> Result<(), StoreError> {
    run(address, &format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {name} CASCADE")).await
}

async fn run(address: &Address, sql: &str) -> Result<(), StoreError> {
    let (client, connection) = connect(address).await?;
    let statements = async {
        client.batch_execute(sql).await?;
        Ok(())
    };
    tokio::select! {
        done = statements => done,
        () = connection => Err(StoreError::Unavailable(crate::store::Condition::Disconnected)),
    }
}
