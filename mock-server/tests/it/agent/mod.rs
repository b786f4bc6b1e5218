//! The agent's binary against a scripted control plane.

mod machine;
mod namespace;
mod server;

mod administration;
mod end_to_end;
mod forwarding;
mod installer;
mod keys;
mod login;
mod refusals;
mod relay;
mod robustness;
mod state;
mod tun;
mod tunnel;
mod up;
