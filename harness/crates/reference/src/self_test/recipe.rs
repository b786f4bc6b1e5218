//! The sub-tests that run the guide's recipes with other tools.

use harness_model::scenario::model::Scenario;

/// Whether it runs a recipe with its own tool.
pub(super) fn runs_tools(scenario: &Scenario) -> bool {
    scenario.needs.iter().any(|need| need.is_recipe_tool())
}
