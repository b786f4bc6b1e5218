//! What must hold, and whether it does.

mod evaluate;
pub mod evidence;
pub mod outcome;
pub mod place;
pub mod snapshot;

pub use evaluate::{Context, evaluate};
