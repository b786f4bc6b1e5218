//! The provider against a control plane, and as a program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions; these are what tests are made of"
)]

mod lifecycle;
mod program;
