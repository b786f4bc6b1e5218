//! Shorter timeouts: what a deviation prevents is waited for until the timeout.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness_model::event::{Event, Listener, SubtestFinished, SubtestStarted, scenario};
use harness_model::library::Library;
use harness_model::plan::Plan;
use harness_model::scenario::model::{Action, Scenario, Span, Step, Subject};

use super::recipe::runs_tools;

/// The wait while it is not known what the reference in this process needs, as when the matrix learns.
const UNMEASURED_WAIT: Duration = Duration::from_secs(5);
/// The longest one otherwise.
const MAX_WAIT: Duration = Duration::from_secs(3);
/// The shortest one, for steps that the reference finishes at once. What a busy machine does not finish in it is tried again.
const MIN_WAIT: Duration = Duration::from_millis(1500);
/// How many times longer than on the plain reference a deviating one is waited for.
const PATIENCE: u32 = 10;

/// The shortest one for an agent to come up. One that is told that its machine was removed ends ten seconds later: after a
/// wait of ten seconds it would have ended in one run, and still run in the next.
const MIN_UP_WAIT: Duration = Duration::from_secs(14);

/// The shortest one for the end of a process.
const MIN_END_WAIT: Duration = Duration::from_secs(6);
/// The shortest one where recipes run with their own tools, which keep a machine busy.
const MIN_TOOL_WAIT: Duration = Duration::from_secs(10);
/// The same for lines of a shell, which may start an engine's build or another tool for seconds.
const MIN_SHELL_WAIT: Duration = Duration::from_secs(15);
const MAX_SHELL_WAIT: Duration = Duration::from_secs(25);
const SHELL_PATIENCE: u32 = 4;

/// How long the steps of the sub-tests took on the plain reference.
#[derive(Debug, Default)]
pub(super) struct StepDurations {
    plan: Option<Arc<Plan>>,
    /// When the current step of each sub-test began.
    begun: HashMap<usize, Instant>,
    /// By sub-test and step.
    took: HashMap<(String, usize), Duration>,
}

impl StepDurations {
    fn wait(&self, subtest: &str, step: &Span) -> Duration {
        let took = self.took.get(&(subtest.to_owned(), step.start));
        took.map_or(UNMEASURED_WAIT, |took| (*took * PATIENCE).clamp(MIN_WAIT, MAX_WAIT))
    }

    fn shell_wait(&self, subtest: &str, step: &Span) -> Duration {
        let took = self.took.get(&(subtest.to_owned(), step.start));
        took.map_or(MAX_SHELL_WAIT, |took| (*took * SHELL_PATIENCE).clamp(MIN_SHELL_WAIT, MAX_SHELL_WAIT))
    }
}

impl Listener for StepDurations {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Started { plan, .. } => self.plan = Some(Arc::clone(plan)),
            Event::SubtestStarted(SubtestStarted { subtest, .. }) => {
                self.begun.insert(*subtest, Instant::now());
            }
            Event::StepFinished { subtest, span, .. } => {
                let begun = self.begun.insert(*subtest, Instant::now());
                let scenario = self.plan.as_ref().and_then(|plan| scenario(plan, *subtest));
                if let (Some(begun), Some(scenario)) = (begun, scenario) {
                    let took = self.took.entry((scenario.id.clone(), span.start)).or_default();
                    *took = begun.elapsed().max(*took);
                }
            }
            Event::SubtestFinished(SubtestFinished { subtest, .. }) => {
                self.begun.remove(subtest);
            }
            _ => {}
        }
    }
}

/// Lets agents run for longer than those need that give up.
pub(super) fn outlast_agents(library: &mut Library) {
    for scenario in &mut library.scenarios {
        let comes_up = |step: &Step| matches!(&step.action, Action::Ztna(command) if command.until.is_some() && !asks_for_end(step));
        if !scenario.steps.iter().any(comes_up) {
            continue;
        }
        for step in &mut Arc::make_mut(scenario).steps {
            if comes_up(step)
                && let Action::Ztna(command) = &mut step.action
            {
                command.timeout = command.timeout.max(MIN_UP_WAIT);
            }
        }
    }
}

/// The same sub-tests, in which every wait is limited to many times what the plain reference needed.
pub(super) fn shortened(library: &Library, durations: &StepDurations) -> Library {
    let scenarios = library.scenarios.iter();
    let scenarios = scenarios.map(|scenario| Arc::new(with_short_waits(scenario, durations))).collect();
    Library { scenarios, ..library.clone() }
}

fn with_short_waits(scenario: &Scenario, durations: &StepDurations) -> Scenario {
    let runs_tools = runs_tools(scenario);
    let mut scenario = scenario.clone();
    for step in &mut scenario.steps {
        let mut longest = durations.wait(&scenario.id, &step.span);
        if runs_tools {
            longest = longest.max(MIN_TOOL_WAIT);
        }
        let awaits_handshake = step.awaited_answers().handshake;
        step.eventually = step.eventually.map(|wait| wait.min(longest));
        if let Action::Browse(browse) = &mut step.action {
            browse.timeout = browse.timeout.min(longest);
        }
        if let Action::Shell(line) = &mut step.action {
            line.timeout = line.timeout.min(durations.shell_wait(&scenario.id, &step.span));
        }
        // An agent that ends at all ends within milliseconds, once its command is done.
        let end = longest.max(MIN_END_WAIT);
        let asks_for_end = asks_for_end(step);
        match &mut step.action {
            Action::Interrupt(interruption) => interruption.timeout = interruption.timeout.min(end),
            Action::Ztna(command) if asks_for_end => command.timeout = command.timeout.min(end),
            _ => {}
        }
        if let Action::Wire(command) = &mut step.action
            && awaits_handshake
        {
            command.timeout = Some(command.timeout.map_or(longest, |timeout| timeout.min(longest)));
        }
    }
    scenario
}

/// Whether a check waits until something ends that an earlier step left running.
pub(super) fn asks_for_end(step: &Step) -> bool {
    let mut expectations = step.checks.iter().flat_map(|check| check.alternatives.iter().flatten());
    expectations.any(|expectation| matches!(expectation.subject, Subject::Ended(_)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use harness_model::library::load;

    use super::*;

    #[test]
    fn waits_are_many_times_what_the_plain_reference_needed() {
        let mut durations = StepDurations::default();
        for (step, took) in [(1, 5), (2, 200), (3, 900)] {
            durations.took.insert(("keys/ST1".to_owned(), step), Duration::from_millis(took));
        }
        let wait = |step: usize| durations.wait("keys/ST1", &(step..9)).as_millis();
        assert_eq!([1, 2, 3, 4].map(wait), [1500, 2000, 3000, 5000]);
        durations.took.insert(("keys/ST1".to_owned(), 5), Duration::from_secs(5));
        let wait = |step: usize| durations.shell_wait("keys/ST1", &(step..9)).as_secs();
        assert_eq!([3, 4, 5].map(wait), [15, 25, 20]);
    }

    #[test]
    fn an_agent_that_gives_up_has_ended_when_its_step_does() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios");
        let mut library = load(&folder, Path::new("scenarios")).unwrap();
        outlast_agents(&mut library);
        let library = shortened(&library, &StepDurations::default());
        let steps = library.scenarios.iter().flat_map(|scenario| &scenario.steps);
        let waits = steps.filter_map(|step| match &step.action {
            Action::Ztna(command) if command.until.is_some() && !asks_for_end(step) => Some(command.timeout),
            _ => None,
        });
        let gives_up = Duration::from_secs(10);
        assert!(waits.min() >= Some(gives_up + MIN_WAIT));
    }
}
