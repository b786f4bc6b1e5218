//! The only SQL of the reference: one file a table, each a set of functions over [`Tx`].
//!
//! A [`Store`] is a handle on the threads that own the connections. Several waiting writes are
//! committed together, and none is acknowledged before the commit that holds it has returned.

pub mod addresses;
pub mod api_keys;
pub mod audit_logs;
pub mod auth_keys;
pub mod device_codes;
mod error;
mod location;
mod machine_row;
pub mod machines;
mod migration;
pub mod network_map;
mod notification;
pub mod organisations;
pub mod rows;
pub mod settings;
pub mod silence;
mod threads;
mod tx;
pub mod users;

#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use location::Location;
pub use notification::Listener;
pub use tx::{Row, Tx, Value};

use threads::Threads;

/// A handle on the database; clones share it.
#[derive(Clone)]
pub struct Store {
    threads: Threads,
}

impl Store {
    /// Opens the database and brings its tables up to date.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        Ok(Self { threads: Threads::start(location)? })
    }

    /// Runs `job` against one consistent view of the data. Statements that change something fail.
    pub async fn read<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.threads.read(job).await
    }

    /// Runs `job` alone among writers. Its changes are kept only if it returns `Ok`, and it returns
    /// only once they are as durable as the database promises.
    pub async fn write<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.threads.write(job).await
    }

    /// Hears from now on when a commit of this process changes the organisation's network map.
    pub fn listen(&self, org_id: &str) -> Listener {
        self.threads.listen(org_id)
    }
}
