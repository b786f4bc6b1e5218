//! What must hold, and whether it does.

pub mod evidence;
pub mod outcome;
