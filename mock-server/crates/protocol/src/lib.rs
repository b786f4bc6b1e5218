//! What the control plane, the agent and the relay exchange: addresses, endpoints, regions, names, the parts of a
//! network map, and the relay's frames.
//!
//! The crate is pure: no I/O, no clock, no randomness. It must not know the control plane's rules or how an agent moves
//! packets, and contains only what at least two of the three need.
//!
//! Start reading with [`relay`], the protocol between a machine and a relay; the other modules are types shared by that
//! protocol and the control plane's API.

pub mod access;
pub mod address;
pub mod character;
pub mod endpoint;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod machine_name;
pub mod machine_token;
pub mod network_map;
pub mod public_key;
pub mod region;
pub mod registration;
pub mod relay;
