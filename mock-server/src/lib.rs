//! Reference.
pub mod agent;
