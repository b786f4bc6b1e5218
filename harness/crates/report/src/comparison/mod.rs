//! Compares two results of the same sub-tests.

mod change;
mod check;
mod differences;
mod render;
mod state;

pub use change::{Change, ChangeKind};
pub use differences::{Comparison, SlowdownLimits};
pub use render::{markdown, text};
pub use state::State;

#[cfg(test)]
mod tests;
