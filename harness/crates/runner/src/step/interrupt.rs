//! `interrupt`: ends what an earlier step left running, as a person does with Ctrl+C.

use std::time::{Duration, Instant};

use harness_model::check::evidence::{Evidence, ProcessResult};
use harness_model::scenario::model::{Action, Interruption, Step, Subject};

use super::error::StepError;
use super::stage::Stage;

/// How long what runs in the background may take to end after a command that ends it, beyond the command's own limit.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// Interrupts the machine's `ztna up` and waits until it ends.
pub(super) async fn perform(interruption: &Interruption, stage: &mut Stage) -> Result<Evidence, StepError> {
    let machine = stage
        .machines
        .get_mut(&interruption.machine)
        .ok_or_else(|| StepError::Machine(interruption.machine.clone()))?;
    machine.forget_ended();
    let begun = Instant::now();
    let mut result = ProcessResult { command: "Ctrl+C".to_owned(), ..ProcessResult::default() };
    for process in machine.background() {
        process.interrupt();
        let status = process.wait(interruption.timeout.saturating_sub(begun.elapsed())).await;
        if status.is_none() {
            process.kill().await; // what later steps show must not depend on it
        }
        (result.stdout, result.stderr) = process.output();
        result.exit = status.and_then(|status| status.code());
        result.running = status.is_none();
        result.ended = Some(status.is_some() && result.ended != Some(false));
    }
    result.took = begun.elapsed();
    Ok(Evidence::Process(result))
}

/// Whether a check waits until something ends that an earlier step left running.
pub(super) fn asks_for_end(step: &Step) -> bool {
    let mut subjects = step.checks.iter().flat_map(|check| check.alternatives.iter().flatten());
    subjects.any(|expectation| matches!(expectation.subject, Subject::Ended(_)))
}

/// Returns how many processes a step may see end, and how long it waits for that. `None` if none of its checks asks.
pub(super) fn watch(step: &Step, stage: &mut Stage) -> Option<Watch> {
    let machine = match &step.action {
        Action::Ztna(_) | Action::Shell(_) => step.action.machine()?.to_owned(),
        _ => return None,
    };
    let limit = match &step.action {
        Action::Ztna(command) => command.timeout,
        Action::Shell(line) => line.timeout,
        _ => return None,
    };
    if !asks_for_end(step) {
        return None;
    }
    let processes = stage.machines.get_mut(&machine).map(|machine| {
        machine.forget_ended();
        machine.background().len()
    });
    Some(Watch { machine, running: processes.unwrap_or(0), begun: Instant::now(), limit })
}

/// The processes that were running on a machine before a step.
pub(super) struct Watch {
    machine: String,
    running: usize,
    begun: Instant,
    limit: Duration,
}

impl Watch {
    /// Waits until they have ended, at most for the step's time limit, and tells in the evidence whether they have.
    pub(super) async fn conclude(self, evidence: &mut Evidence, stage: &mut Stage) {
        let (Evidence::Process(result), Some(machine)) = (evidence, stage.machines.get_mut(&self.machine))
        else {
            return;
        };
        for process in machine.background().iter_mut().take(self.running) {
            let left = self.limit.saturating_sub(self.begun.elapsed()).max(MIN_WAIT);
            let has_ended = process.wait(left).await.is_some();
            result.ended = Some(has_ended && result.ended != Some(false));
        }
    }
}
