//! The data plane: a WireGuard node and what it is connected to. `README.md` in this folder explains how packets flow.

mod command;
mod core;
mod end;
mod endpoints;
mod forwarding;
mod handle;
mod map;
mod mode;
mod relay;
mod socket;
mod status;
mod task;
mod tun;
mod userspace;

#[cfg(any(test, fuzzing))]
pub(crate) use core::script::run as run_script;
pub(crate) use end::Ending;
pub(crate) use forwarding::{DialFailure, Dialed, Ended, Service};
pub(crate) use handle::Tunnel;
pub(crate) use mode::Mode;
pub(crate) use status::{PeerStatus, Pinged};
pub(crate) use tun::{Device, DeviceError};
