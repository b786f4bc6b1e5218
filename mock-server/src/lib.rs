//! The reference implementation of QuickZTNA: the control plane and the `ztna` agent.
//!
//! Imports point one way: `domain ← store ← control ← api ← app`, and `domain ← agent`. ARCHITECTURE.md is the walk-through.

pub mod agent;
pub mod api;
pub mod app;
pub mod control;
pub mod domain;
pub mod relay;
pub mod store;
