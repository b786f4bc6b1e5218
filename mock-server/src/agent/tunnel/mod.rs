//! The data plane: a WireGuard node, and what it is connected to.

mod core;
mod endpoints;
mod forwarding;
mod handle;
mod map;
mod task;
mod userspace;

#[cfg(any(test, fuzzing))]
pub(crate) use core::run_script;
pub(crate) use forwarding::{DialFailure, Dialed, Ended, Service};
pub(crate) use handle::{PeerStatus, PingFailure, Pinged, Tunnel};
