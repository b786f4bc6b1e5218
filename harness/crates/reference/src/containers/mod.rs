//! The reference in containers: every control plane and every machine in one of its own, on a network for each sub-test.
//!
//! testcontainers starts and removes the containers; what it cannot do (networks with chosen addresses, partitions,
//! processes that can be interrupted) goes through its client for the engine's API. The kit reaches the containers'
//! addresses directly, and so must run on the engine's host.
//!
//! Start reading at [`Containers`], then `control_plane.rs`, which holds everything that belongs to one sub-test.

mod container;
mod control_plane;
mod engine;
mod error;
mod exec;
mod gate;
mod leftovers;
mod loopback;
mod machine;
mod network;
mod run_lock;
mod target;
mod timeouts;

pub use error::ContainersError;
pub use target::Containers;
