//! Executes the steps of scenarios: one file per verb. `STEPS.md` explains how to add one.

pub mod browse;
pub mod chance;
pub mod clock;
mod error;
pub mod eventually;
pub mod http;
mod interrupt;
mod leftover;
pub(crate) mod login;
pub mod machine;
pub mod race;
pub mod service;
pub mod set;
pub mod shell;
mod stage;
pub mod visit;
pub mod wire;
pub mod ztna;

use harness_model::check::evidence::Evidence;
use harness_model::scenario::model::{Action, Step};

pub use error::StepError;
pub use stage::Stage;

/// Whether the step itself may do nothing but wait until its time limit, for what never comes.
pub(crate) fn may_wait_in_vain(step: &Step) -> bool {
    matches!(step.action, Action::Wire(_) | Action::Interrupt(_) | Action::Wait(_))
        || interrupt::asks_for_end(step)
}

/// Executes a step once.
///
/// # Errors
/// The step could not be carried out, so there is nothing to judge.
pub async fn perform(step: &Step, stage: &mut Stage) -> Result<Evidence, StepError> {
    let watch = interrupt::watch(step, stage);
    let mut evidence = match (&step.action, step.race) {
        (Action::Http(request), Some(contestants)) => race::perform(request, contestants, stage).await,
        (Action::Http(request), None) => http::perform(request, stage).await,
        (Action::Ztna(command), _) => ztna::perform(command, stage).await,
        (Action::Shell(line), _) => shell::perform(line, stage).await,
        (Action::Wire(command), _) => wire::perform(command, step.awaited_answers(), stage).await,
        (Action::Browse(browse), _) => browse::perform(browse, stage).await,
        (Action::Login(login), _) => login::perform(login, stage).await,
        (Action::Interrupt(interruption), _) => interrupt::perform(interruption, stage).await,
        (Action::Advance(passage), _) => clock::advance(passage, stage).await,
        (Action::Wait(passage), _) => clock::wait(passage, stage).await,
        (Action::Set(values), _) => set::perform(values, stage),
    }?;
    if let Some(watch) = watch {
        watch.conclude(&mut evidence, stage).await;
    }
    Ok(evidence)
}
