//! Waivers: failures that are accepted until a date (`--waivers FILE`).
//!
//! A waiver hides nothing: the failure is reported as waived, its statements stay violated, and a waiver that has
//! expired or is no longer needed fails the run.

mod applied;
mod decode;
mod scope;
mod state;
mod waivers;

pub use applied::{AppliedWaiver, WaiverState};
pub use decode::WaiverFile;
pub use scope::{CheckPosition, WaiverScope};
pub use state::{Extent, InvalidWaiver, JudgedCheck, JudgedSubtest};
pub use waivers::{Waiver, Waivers};

#[cfg(test)]
mod tests;
