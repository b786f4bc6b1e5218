//! Executes the steps of scenarios: one file per verb. `STEPS.md` explains how to add one.

pub mod chance;
pub mod clock;
mod error;
pub mod eventually;
pub mod http;
mod leftover;
pub mod machine;
pub mod process;
pub mod race;
pub mod set;
pub mod shell;
mod stage;
pub mod wire;
pub mod ztna;

use harness_model::check::evidence::Evidence;
use harness_model::scenario::model::{Action, Step};

pub use error::StepError;
pub use stage::Stage;

/// Executes a step once.
///
/// # Errors
/// The step could not be carried out, so there is nothing to judge.
pub async fn perform(step: &Step, stage: &mut Stage) -> Result<Evidence, StepError> {
    match (&step.action, step.race) {
        (Action::Http(request), Some(contestants)) => race::perform(request, contestants, stage).await,
        (Action::Http(request), None) => http::perform(request, stage).await,
        (Action::Ztna(command), _) => ztna::perform(command, stage).await,
        (Action::Shell(line), _) => shell::perform(line, stage).await,
        (Action::Wire(command), _) => wire::perform(command, stage).await,
        (Action::Advance(duration), _) => clock::perform(*duration, stage).await,
        (Action::Set(values), _) => set::perform(values, stage),
    }
}
