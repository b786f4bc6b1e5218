//! The data plane.

pub(crate) mod core;
pub(crate) mod userspace;
