//! Recordings of steps as evidence. Pseudonyms replace secrets, so that a third party can judge the step again without
//! learning them.

mod evidence;
mod pseudonym;
mod recorder;
mod replay;
mod step;

pub use evidence::RecordedEvidence;
pub use pseudonym::PseudonymKey;
pub use recorder::Recorder;
pub use replay::{Misfit, Replay, Replayed};
pub use step::{Moment, RecordedCheck, Recording};
