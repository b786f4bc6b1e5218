//! A relay, which forwards encrypted datagrams between machines that cannot reach each other over UDP.
//!
//! It authenticates the sender of each frame and forwards it within one organisation only; it cannot read the content. It
//! must not know the control plane's rules or database: an [`Authority`] decides which machines may use the relay. It is
//! asked when a machine connects, and every [`RECHECK`] for all connected machines.
//!
//! Start reading with [`Relay`], then `connection.rs`, which serves one machine. README.md describes the protocol, whose
//! frames are in `ztna_protocol::relay`.

mod authority;
mod bucket;
mod close_reason;
mod connection;
mod counters;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod proving;
mod queue;
mod relay;
mod remote;
mod shared;
mod standalone;
mod table;

pub use authority::{Authority, AuthorityError};
pub use counters::Counted;
pub use relay::{RECHECK, Relay};
pub use remote::ControlPlane;
pub use standalone::router;
