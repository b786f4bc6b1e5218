//! Delivers the network map to machines, with long polling for changes.
//!
//! What is sent is read and serialised once for all machines that ask for it ([`MapCache`]), and one task per organisation
//! looks for changes on behalf of all machines that wait ([`MapWatches`]). Start reading at [`LongPoll`].

mod cache;
mod changes;
mod long_poll;
mod reading;
mod watch;

#[cfg(test)]
mod tests;

pub use cache::{MapCache, Work};
pub use changes::MapChanges;
pub use long_poll::{LongPoll, MapRequest, NetworkMap, Own};
pub use watch::{MapWatches, POLL_INTERVAL};
