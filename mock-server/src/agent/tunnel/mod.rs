//! The data plane: a WireGuard node, and what it is connected to.

mod core;
mod endpoints;
mod handle;
mod map;
mod task;
mod userspace;

pub(crate) use handle::{PeerStatus, Pinged, Tunnel};
