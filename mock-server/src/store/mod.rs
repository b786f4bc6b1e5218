//! The database: all SQL of the reference, one file per table, as functions over [`Tx`].
//!
//! A [`Store`] is a handle on the threads that own the connections. Waiting writes are committed in groups; each is
//! acknowledged only after its commit has returned.

pub mod access_rules;
pub mod addresses;
pub mod api_keys;
pub mod audit_logs;
pub mod auth_keys;
mod batch;
mod deadline;
pub mod device_codes;
pub mod ended_sessions;
mod error;
mod files;
mod health;
mod job;
mod key_row;
mod location;
mod lookup;
mod machine_row;
pub mod machines;
mod migration;
mod name_keys;
pub mod network_map;
mod notification;
pub mod organisations;
mod postgres;
pub mod quarantines;
mod row;
pub mod rows;
pub mod settings;
pub mod silence;
mod threads;
mod tx;
pub mod users;
mod value;
pub mod wrong_guesses;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use error::{Condition, StoreError};
pub use location::Location;
pub use lookup::Lookup;
pub use notification::Listener;
pub use postgres::{Address, AddressError, ScratchSchemas};
pub use row::Row;
pub use tx::Tx;
pub use value::Value;

use threads::Threads;

/// How long a transaction waits for a lock that another program holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// A cheaply cloned handle on the database.
#[derive(Clone)]
pub struct Store {
    threads: Threads,
}

impl Store {
    /// Opens the database and migrates it to the current version.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        Self::open_with(location, LOCK_TIMEOUT)
    }

    fn open_with(location: &Location, lock_timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self { threads: Threads::start(location, lock_timeout)? })
    }

    /// Runs `job` on a consistent snapshot. Statements that modify data fail.
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

    /// As [`Store::read`], for a job whose cost its caller chooses. It is interrupted after a while, or when its caller no
    /// longer waits, and other jobs do not wait for it: in memory for one at most.
    pub async fn list<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.threads.list(job).await
    }

    /// Runs `job` exclusively among writers. Its changes are committed only if it returns `Ok`, and are durable by the time
    /// this returns. It may run more than once, after the changes of the run before were rolled back, and must do the same
    /// each time.
    pub async fn write<T, E>(
        &self,
        job: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.threads.write(None, job).await
    }

    /// As [`Store::write`], for a job that is faster where it is known in advance what it looks up.
    pub async fn write_with<T, E>(
        &self,
        lookup: Option<Lookup>,
        job: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.threads.write(lookup, job).await
    }

    /// Returns why the database cannot be used, as far as that is known without a transaction.
    pub fn problem(&self) -> Option<Condition> {
        self.threads.problem()
    }

    /// Whether other replicas can use the same database.
    pub fn is_shared(&self) -> bool {
        self.threads.is_shared()
    }

    /// Listens for commits of this process that change the organisation's network map.
    pub fn listen(&self, org_id: &str) -> Listener {
        self.threads.listen(org_id)
    }
}
