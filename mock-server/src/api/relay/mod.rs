//! The relay in the control plane's own process, and what the other relays ask.

pub mod connect;
pub mod counters;
pub mod members;
