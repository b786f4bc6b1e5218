//! The HTTP interface: one file per endpoint, and one mapping from refusals to responses ([`error`]).
//!
//! A handler authenticates first, so that 401 precedes all other refusals. It then validates its request, opens one
//! transaction and leaves the rest to `control`.

pub mod acl;
pub mod body;
pub mod caller;
pub mod changes;
mod client_address;
pub(crate) mod cross_site;
pub mod db;
pub mod deferred;
pub mod device;
pub mod envelope;
pub mod error;
pub mod healthz;
pub mod heartbeat;
pub mod installer;
pub mod key_management;
pub mod login;
pub mod logout;
pub mod machine;
pub mod machine_admin;
pub mod machine_logout;
pub mod machine_tags;
pub mod network_map;
pub mod openapi;
mod pairs;
pub(crate) mod reached_url;
pub mod readyz;
mod refusals;
pub mod register_machine;
pub mod relay;
mod request;
mod router;
mod state;
mod trace;
pub mod user_orgs;

pub use error::Error;
pub use installer::{AgentProgram, Downloads};
pub use router::router;
pub use state::{Settings, Shared, State};
