//! Network namespaces joined by virtual cables, with the real programs in them.
//!
//! A [`Lab`] is removed when it is dropped. What a killed run left behind is removed by the next one: the names of
//! namespaces carry the process id of the run that made them.
//!
//! The benchmark of the tunnel includes this module by its path: it uses nothing of the other tests.

#![allow(dead_code, reason = "the tests and the benchmark each use their part of it")]
#![allow(unused_imports, reason = "likewise")]

mod control_plane;
mod ip;
mod iperf3;
mod leftovers;
mod machine;
mod namespace;
mod process;
mod requirements;
mod topology;
mod wait;
mod wireguard;

pub(crate) use control_plane::{ControlPlane, Registered};
pub(crate) use ip::PREFIX;
pub(crate) use leftovers::sweep;
pub(crate) use machine::Machine;
pub(crate) use namespace::Namespace;
pub(crate) use process::{Ended, Process};
pub(crate) use requirements::{installed, missing, require};
pub(crate) use topology::{HUB, Lab};
pub(crate) use wait::{PATIENCE, within};
pub(crate) use wireguard::{Keys, PORT, WireGuard};
