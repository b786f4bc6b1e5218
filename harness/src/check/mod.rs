//! Evaluates checks: compares what a step observed with what the scenario expects.

mod evaluate;
pub mod evidence;
mod foreign;
mod matcher;
pub mod outcome;
pub mod place;
mod requests;
pub mod snapshot;
mod subject;
mod wire;
mod wording;

pub use evaluate::{Context, evaluate};

#[cfg(test)]
mod tests;
