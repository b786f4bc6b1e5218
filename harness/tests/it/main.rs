//! The kit as its users see it: runs against targets of every kind, reports, evidence bundles and the self-test.
//! Tests of single modules are beside them.
//!
//! One executable, so that `cargo test` links once: `cargo test -p harness --test it cli::` runs a part of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions; these are what tests are made of"
)]

mod architecture;
mod cli;
mod embedded;
mod evidence;
mod foreign;
#[allow(clippy::type_complexity, reason = "tables of cases")]
mod hostile;
#[allow(clippy::needless_pass_by_value, reason = "handlers of an HTTP server")]
mod independent;
mod onboarding;
mod program;
mod recipes;
mod report;
mod run;
mod selected;
mod selftest;
mod shared;
mod small_target;
#[path = "../../../mock-server/tests/it/unused_port.rs"]
mod unused_port;
mod wire;
