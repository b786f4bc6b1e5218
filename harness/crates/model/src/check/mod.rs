//! Evaluates checks: compares what a step observed with what the scenario expects.

mod condition;
mod context;
mod difference;
mod duplicate;
mod evaluate;
pub mod evidence;
mod finding;
pub mod header;
mod intermediary;
mod matcher;
pub mod outcome;
pub mod page;
pub mod pointer;
mod requests;
pub mod snapshot;
mod streams;
mod subject;
mod table;
mod value;
mod wire;
mod wording;

pub use condition::{Applicability, applicability};
pub use context::CheckContext;
pub use evaluate::evaluate;

#[cfg(test)]
mod tests;
