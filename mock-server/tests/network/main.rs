//! Machines on networks of their own: Linux network namespaces.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions; these are what tests are made of"
)]

mod lab;

mod interop;
mod left_behind;
mod paths;
mod tun;
