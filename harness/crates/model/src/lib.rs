//! What the conformance kit is about: the documented statements, the scenarios that judge them, the plan of a run,
//! the events that it brings, and the verdicts.
//!
//! Everything here is a value or a rule. This crate must not know how a step is carried out (`harness-runner`), how a
//! result is shown (`harness-report`), or what the reference is; it opens no connection, starts no process and asks
//! neither a clock nor the system's randomness. Files are touched in two places only: [`library::load`] reads a folder
//! of scenarios, and [`check::snapshot`] reads and proposes snapshots.
//!
//! Start reading at [`scenario::model::Scenario`], then [`plan::Plan`], [`event::Event`] and [`judge::Judge`].

pub mod bindings;
pub mod check;
pub mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod judge;
pub mod keep;
pub mod library;
pub mod nanoseconds;
pub mod number;
pub mod omission;
pub mod plan;
pub mod recording;
mod redaction;
pub mod requirement;
mod rfc3339;
pub mod scenario;
pub mod secret;
pub mod source;
pub mod target;
pub mod text;
pub mod verdict;
