//! Evidence bundles: packing, verification, and detection of tampering.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may end like this")]

mod bundle;
mod secrets;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the tests of the program need all of it")]
mod support;
mod tampering;
