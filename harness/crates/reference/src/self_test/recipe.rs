//! The sub-tests that run the guide's recipes with other tools.

use harness_model::scenario::model::{Capability, Scenario};

const TOOLS: [Capability; 5] = [
    Capability::Ansible,
    Capability::Actions,
    Capability::CloudInit,
    Capability::Docker,
    Capability::Terraform,
];

/// Whether it runs a recipe with its own tool.
pub(super) fn runs_tools(scenario: &Scenario) -> bool {
    TOOLS.iter().any(|tool| scenario.needs.contains(tool))
}
