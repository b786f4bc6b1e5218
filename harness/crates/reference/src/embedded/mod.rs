//! The reference inside this process.

mod balancer;
mod control_plane;
mod database;
mod download;
mod program;
mod serve;
mod target;

pub use database::DatabaseOptions;
pub use program::{AGENT_SUBCOMMAND, agent};
pub use serve::{ServeOptions, Served, serve};
pub use target::Embedded;
#[cfg(feature = "containers")]
pub(crate) use target::OTHER_ORG_MACHINES;
