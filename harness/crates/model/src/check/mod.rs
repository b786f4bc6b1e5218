//! Evaluates checks: compares what a step observed with what the scenario expects.

mod context;
mod evaluate;
pub mod evidence;
mod finding;
mod foreign;
mod matcher;
pub mod outcome;
pub mod place;
mod requests;
pub mod snapshot;
mod subject;
mod wire;
mod wording;

pub use context::Context;
pub use evaluate::evaluate;

#[cfg(test)]
mod tests;
