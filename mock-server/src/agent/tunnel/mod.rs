//! The data plane.

pub(crate) mod core;
