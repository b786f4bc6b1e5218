//! What the selected sub-tests need of a profile.

use std::collections::BTreeSet;

use harness_model::plan::{Disposition, Plan};
use harness_model::requirement::Registry;
use harness_model::scenario::model::{Action, Authorisation, Identity};
use harness_model::scenario::sessions::sessions;

/// The endpoint that creates keys, and its alias.
const KEY_ENDPOINTS: [&str; 2] = ["/api/key-management", "/api/api-keys"];

/// What the selected sub-tests need of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileNeeds {
    pub sessions: BTreeSet<Identity>,
    /// Whether a sub-test calls the endpoint that creates keys as an admin.
    pub creates_keys: bool,
}

/// What a preflight examines, and how.
#[derive(Debug, Clone)]
pub struct PreflightScope {
    pub needs: ProfileNeeds,
    /// The name of the auth key that is created and revoked.
    pub key_name: String,
}

impl ProfileNeeds {
    /// Returns what those sub-tests of the plan need that will run.
    pub fn of(plan: &Plan, registry: &Registry) -> Self {
        let running = plan.subtests.iter().filter(|planned| planned.disposition == Disposition::Run);
        let mut needs = Self::default();
        for planned in running {
            needs.sessions.extend(sessions(&planned.scenario, registry, planned.judges_ours));
            needs.creates_keys |= planned.scenario.steps.iter().any(|step| match &step.action {
                Action::Http(request) => {
                    KEY_ENDPOINTS.contains(&request.path.text.as_str())
                        && matches!(request.authorisation, Authorisation::Identity(Identity::Admin))
                }
                _ => false,
            });
        }
        needs
    }
}
