//! Runs a plan and tells what happens.

pub mod event;
