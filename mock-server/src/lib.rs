//! The reference implementation of QuickZTNA: the control plane and the `ztna` agent.
//!
//! Imports point one way: `domain ← store ← control ← api ← app`, `domain ← relay ← api`, and `domain ← agent`. ARCHITECTURE.md is the walk-through.

pub mod agent;
pub mod api;
pub mod app;
pub mod control;
pub mod domain;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod relay;
pub mod store;
