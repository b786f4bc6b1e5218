//! Examines before a run whether the profile fits the target, so that a mistake in it is one message and not a failure of
//! every sub-test.
//!
//! A mistake is claimed only on facts that no implementation can cause: nothing answers, a new session is refused by two
//! endpoints, or the target's own list of roles (`generate/ST5.5`) explains a refusal. Whatever else is unexpected is
//! left to the sub-tests, which judge it.

mod context;
mod decision;
mod finding;
mod key;
mod needs;
mod observation;
mod organisations;
mod session;

use futures::future::join_all;
use harness_model::scenario::model::{IDENTITIES, Identity, identity_name};

pub(super) use context::Preflight;
pub use finding::{Finding, State};
pub(super) use finding::{notes, without_admin};
pub use needs::{PreflightScope, ProfileNeeds};

use decision::{Creation, decide};
use key::TrialKey;
use observation::Observation;

impl Preflight<'_> {
    /// Examines the sessions and the organisation as far as they are needed.
    pub(super) async fn examine(&self, needs: &ProfileNeeds) -> Vec<Finding> {
        let needed = IDENTITIES.iter().map(|(identity, _)| *identity);
        let needed: Vec<Identity> = needed.filter(|identity| needs.sessions.contains(identity)).collect();
        let mut findings = Vec::new();
        let mut known: Vec<Observation> = Vec::new();
        for opened in join_all(needed.iter().map(|identity| self.open(*identity))).await {
            match opened {
                Ok(observation) => known.push(observation),
                Err(finding) => findings.push(finding),
            }
        }
        for (position, observation) in known.iter().enumerate() {
            let earlier = known.get(..position).unwrap_or_default();
            if let Some(twin) = earlier.iter().find(|twin| is_shared(twin, observation)) {
                findings.push(shared_session(observation.identity, twin.identity));
                continue;
            }
            let creation = self.try_key(observation, needs).await;
            let state = decide(observation, creation.as_ref(), self.profile);
            let is_wrong = matches!(state, State::Wrong { .. });
            let is_org_wrong = matches!(&state, State::Wrong { key, .. } if key == "org_id");
            findings.push(Finding::of_session(observation.identity, state));
            if let Some(creation) = creation.filter(|_| observation.identity == Identity::Admin && !is_wrong)
            {
                findings.push(creation.finding());
            }
            if is_org_wrong {
                // Nobody else's session says more about it.
                break;
            }
        }
        findings
    }

    /// Creates and revokes an auth key if that is needed: as the admin if sub-tests do it, as somebody else if the role
    /// is not the expected one.
    async fn try_key(&self, observation: &Observation, needs: &ProfileNeeds) -> Option<Creation> {
        let is_needed = observation.identity == Identity::Admin || observation.has_unexpected_role();
        if !needs.creates_keys || !is_needed {
            return None;
        }
        let trial = TrialKey { preflight: self, observation };
        Some(trial.create_and_revoke().await)
    }
}

/// Two identities with one session would judge one role as if it were two.
/// Whether two people have the same session. The organisation with a machine limit may be one of the others.
fn is_shared(one: &Observation, other: &Observation) -> bool {
    let are_people = ![one.identity, other.identity].contains(&Identity::Limited);
    are_people && one.token == other.token
}

fn shared_session(identity: Identity, twin: Identity) -> Finding {
    let (name, other) = (identity_name(identity), identity_name(twin));
    let state = State::Wrong {
        key: format!("tokens.{name}"),
        problem: format!("tokens.{name} and tokens.{other} are the same session"),
        remedy: format!("set tokens.{name} to the session of another account, or remove it"),
    };
    Finding::of_session(identity, state)
}
