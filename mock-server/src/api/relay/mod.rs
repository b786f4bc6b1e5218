//! The relay in the control plane's process, and the endpoint for remote relays.

pub mod connect;
pub mod counters;
pub mod members;
