//! The operations of the control plane. Each one loads facts, lets `domain` decide and saves, in one transaction.

pub mod access;
pub mod access_rules;
mod audit;
pub mod bearer;
pub mod changes;
pub mod clock;
pub mod device;
pub mod enrol;
mod error;
pub mod guesses;
pub mod heartbeat;
mod hs256;
pub mod issue;
mod lease;
pub mod lists;
pub mod logout;
pub mod machine_admin;
pub mod machine_tags;
pub mod network_map;
pub mod password;
pub mod polls;
pub mod random;
pub mod readiness;
pub mod reap;
pub mod relay;
pub mod revoke;
pub mod rows;
pub mod session;
pub mod upkeep;

pub use clock::Clock;
pub use error::ControlError;
pub use random::{Draws, Random};
