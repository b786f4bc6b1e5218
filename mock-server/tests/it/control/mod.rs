//! The control plane's endpoints, called without a network, and its rules tested with random histories.
mod acl;
mod bad_input;
mod changes;
mod installer;
mod key_management;
mod machines;
pub(crate) mod model;
mod names;
pub(crate) mod network_map;
mod pending;
mod quarantine;
mod reached_url;
mod register_machine;
mod relay;
mod repeated_jobs;
mod unreadable;
