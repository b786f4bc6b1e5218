//! PostgreSQL as the database: any number of replicas share one schema of it.
//!
//! A replica has a connection for its writer, some that are opened as its readers need them, and one that hears of the
//! other replicas' changes. Transactions that write run one after another over all replicas, as `BEGIN IMMEDIATE` has it
//! on SQLite: [`gather`] takes the lock, and the database releases it with the commit or with the connection. What a batch
//! does in its turn is [`batch`], and how registrations do without a round trip for each statement is [`overlay`].

mod address;
mod batch;
mod cause;
mod error;
mod gather;
mod listener;
mod migration;
mod overlay;
mod passfile;
mod placeholders;
mod prepared;
mod schema;
mod session;
mod threads;
mod tls;
mod value;

pub use address::{Address, AddressError};
pub(super) use cause::cause;
#[cfg(test)]
pub(super) use migration::translated;
pub(super) use overlay::Overlay;
pub use schema::ScratchSchemas;
pub(super) use session::Session;
pub(super) use threads::{Queues, start};
pub(super) use value::{integer, optional_integer, optional_text, text};
