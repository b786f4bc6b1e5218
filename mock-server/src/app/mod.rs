//! The server as a whole: what it is configured with, how it starts and how it stops.
//!
//! [`start`] may be called any number of times in one process: nothing global is touched.

pub mod cli;
mod config;
mod error;
mod fixture;
mod logging;
mod ready;
mod relay;
mod server;
mod test_control;

pub use crate::api::AgentProgram;
pub use crate::control::{clock, random};
pub use config::{Config, DEFAULT_LISTEN};
pub use error::{StartError, TokenError};
pub use fixture::Fixture;
pub use ready::{Person, Ready};
pub use relay::{RelayConfig, RelayServer};
pub use server::{Server, start, state};
