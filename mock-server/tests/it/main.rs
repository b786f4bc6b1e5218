//! The control plane, the agent and the relay as their users meet them; what concerns one module only is tested beside
//! it in `src/`.
//!
//! One executable, so that `cargo test` links once: `cargo test -p mock-server --test it control::` runs a part of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions; these are what tests are made of"
)]

mod absences;
mod access;
mod agent;
mod architecture;
mod arrivals;
mod control;
mod costly_lists;
mod crashes;
mod dashboard;
mod documents;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod network;
mod replicas;
mod secrets;
mod serve;
mod server_process;
mod strangers;
mod test_server;
mod unused_port;
mod wait;
