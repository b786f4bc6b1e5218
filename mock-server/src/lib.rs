//! The control plane of the reference implementation of QuickZTNA.
//!
//! Imports point one way: `domain ← store ← control ← {api, dashboard} ← app`; what it exchanges with agents and relays is
//! in `ztna_protocol`, and the relay beside it is `ztna_relay`. It knows nothing of the conformance kit, and nothing of the
//! agent, whose `ztna` this package only builds. ARCHITECTURE.md is the walk-through.

pub mod api;
pub mod app;
pub mod control;
pub mod dashboard;
pub mod domain;
pub mod store;
