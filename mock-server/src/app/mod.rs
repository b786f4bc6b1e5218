//! The server as a whole: its configuration, start and stop.
//!
//! [`start`] may be called any number of times in one process, because servers share no global state.

mod arguments;
pub mod cli;
mod config;
mod connections;
mod error;
mod fixture;
mod healthcheck;
mod logging;
mod ready;
mod relay;
mod router;
mod server;
mod session_secret;
mod state;
mod test_control;

pub use crate::api::AgentProgram;
pub use crate::control::{clock, random};
pub use config::{Config, DEFAULT_LISTEN, TestControlConfig};
pub use connections::listen;
pub use error::{DatabaseProblem, FixtureProblem, SecretProblem, StartError, TokenError};
pub use fixture::{Fixture, Login, People};
pub use healthcheck::HealthError;
pub use ready::{Person, Ready};
pub use relay::{RelayConfig, RelayServer};
pub use router::router;
pub use server::{Server, start};
pub use session_secret::SecretFileError;
pub use state::state;
