//! The data plane: a WireGuard node and what it is connected to. `README.md` in this folder explains how packets flow.

mod core;
mod end;
mod endpoints;
mod forwarding;
mod handle;
mod map;
mod relay;
mod socket;
mod task;
mod tun;
mod userspace;

#[cfg(any(test, fuzzing))]
pub(crate) use core::run_script;
pub(crate) use end::Ending;
pub(crate) use forwarding::{DialFailure, Dialed, Ended, Service};
pub(crate) use handle::{PeerStatus, PingFailure, Pinged, Tunnel};
pub(crate) use tun::{Device, DeviceError};
