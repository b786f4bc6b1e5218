//! The data plane: a WireGuard node, and what it is connected to.

mod core;
mod end;
mod endpoints;
mod handle;
mod map;
mod relay;
mod socket;
mod task;
mod tun;
mod userspace;

pub(crate) use end::Ending;
pub(crate) use handle::{PeerStatus, Pinged, Tunnel};
pub(crate) use tun::{Device, DeviceError};
