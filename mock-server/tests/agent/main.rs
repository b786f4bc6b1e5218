//! The agent's binary against a scripted control plane.

mod machine;

mod administration;
mod keys;
mod login;
mod refusals;
mod state;
mod up;
