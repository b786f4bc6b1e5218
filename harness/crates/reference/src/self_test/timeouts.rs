//! Shorter timeouts: what a deviation prevents is waited for until the timeout.

use std::sync::Arc;
use std::time::Duration;

use harness_model::scenario::Library;
use harness_model::scenario::model::{Action, Scenario};

/// Many times what the reference in this process needs.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The library with every wait limited to [`MAX_WAIT`].
pub(super) fn shortened(mut library: Library) -> Library {
    for scenario in &mut library.scenarios {
        *scenario = Arc::new(with_short_waits(scenario));
    }
    library
}

fn with_short_waits(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    for step in &mut scenario.steps {
        step.eventually = step.eventually.map(|wait| wait.min(MAX_WAIT));
        if let Action::Wire(command) = &mut step.action {
            command.timeout = command.timeout.min(MAX_WAIT);
        }
    }
    scenario
}
