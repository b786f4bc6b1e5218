//! A relay: carries the encrypted datagrams of machines that cannot reach each other over UDP.
//!
//! It knows who a frame comes from and passes it on inside one organisation only; what is in it, it cannot read. It
//! knows neither the control plane's rules nor its database: [`Authority`] says who may speak, and the relay asks it
//! when a machine comes, and every [`RECHECK`] of all that are there.
//!
//! Start with [`Relay`], then `connection.rs`, the conversation with one machine. README.md tells the protocol, whose
//! frames are in `ztna_protocol::relay`.

mod authority;
mod bucket;
mod connection;
mod counters;
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
