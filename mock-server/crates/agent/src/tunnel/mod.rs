//! The data plane: a WireGuard node and what it is connected to. `README.md` in this folder explains how packets flow.

mod backend;
mod command;
mod config;
mod core;
mod endpoints;
mod error;
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

pub(crate) use backend::PreparedBackend;
pub(crate) use config::{LocalMachine, TunnelConfig};
#[cfg(any(test, fuzzing))]
pub(crate) use core::script::run as run_script;
pub(crate) use error::TunnelError;
pub(crate) use forwarding::{ConnectionEnd, DialError, DialedConnection, Service};
pub(crate) use handle::Tunnel;
#[cfg(any(test, fuzzing))]
pub(crate) use map::script::run as apply_maps;
pub(crate) use mode::Mode;
pub(crate) use status::{PeerStatus, PingReply};
pub(crate) use tun::Device;
