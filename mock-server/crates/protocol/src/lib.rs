//! What the control plane, the agent and the relay exchange: addresses, endpoints, regions, names, the parts of a
//! network map, and the relay's frames.
//!
//! Pure: bytes and text in, values out. It does no I/O, reads no clock and no randomness, and knows neither the rules by
//! which the control plane decides nor how an agent moves packets. Only what at least two of the three need is here.
//!
//! Start with [`relay`], the conversation between a machine and a relay; the other modules are what it and the control
//! plane's documents are made of.

pub mod address;
pub mod endpoint;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod machine_name;
pub mod network_map;
pub mod region;
pub mod relay;
