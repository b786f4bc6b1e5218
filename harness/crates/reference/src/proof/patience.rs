//! What is wrong on purpose is waited for in vain: the reference in this process needs no scenario's patience.

use std::sync::Arc;
use std::time::Duration;

use harness_model::scenario::Library;
use harness_model::scenario::model::{Action, Scenario};

/// The reference does in milliseconds what scenarios wait for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The library with its waits cut short.
pub(super) fn impatient(mut library: Library) -> Library {
    for scenario in &mut library.scenarios {
        *scenario = Arc::new(hurried(scenario));
    }
    library
}

fn hurried(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    for step in &mut scenario.steps {
        step.eventually = step.eventually.map(|wait| wait.min(LONGEST_WAIT));
        if let Action::Wire(command) = &mut step.action {
            command.timeout = command.timeout.min(LONGEST_WAIT);
        }
    }
    scenario
}
