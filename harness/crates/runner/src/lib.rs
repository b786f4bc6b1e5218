//! Carries out a plan: the verbs of steps, the targets that they act on, and the run that takes sub-tests from
//! preparation to cleanup and reports what happens as events.
//!
//! This crate must not know how results are shown (`harness-report`) nor that there is a reference
//! (`harness-reference`): whatever implements [`targets::Target`] is run against alike. Its WireGuard peer
//! ([`step::wire`]) shares no code with the reference's data plane.
//!
//! Start reading at [`run::run`], then [`step::perform`] and [`targets::Target`].

pub mod browser;
pub mod exchange;
pub mod process;
pub mod program_path;
pub mod run;
mod slot;
pub mod step;
pub mod targets;
