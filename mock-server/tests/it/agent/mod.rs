//! The program `ztna`, against a scripted control plane and against the reference's.

pub(crate) mod machine;
mod namespace;
mod server;

mod access_rules;
mod administration;
mod distrust;
mod end_to_end;
mod forwarding;
mod identity;
mod installer;
mod installer_places;
mod keys;
mod login;
mod refusals;
mod registration;
mod relay;
mod robustness;
mod state;
mod tun;
mod tun_access_rules;
mod tunnel;
mod up;

pub(crate) use machine::Running;
