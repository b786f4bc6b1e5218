//! Decides from what was observed whether the profile is wrong.

use harness_model::scenario::model::{Identity, identity_name};

use super::finding::{Finding, State};
use super::observation::{Observation, Response};
use super::organisations::Organisations;
use crate::targets::profile::{Profile, token_key};

/// What became of a trial key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Creation {
    Made {
        response: Response,
        name: String,
        revocation: Revocation,
    },
    Refused(Response),
    /// No complete response arrived.
    Unanswered(String),
}

/// Whether the trial key was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Revocation {
    Done,
    Failed(String),
}

impl Creation {
    /// Returns the finding on the admin's trial key. What is unexpected may be the target's fault, so it is never the
    /// profile's.
    pub(super) fn finding(&self) -> Finding {
        let subject = "auth key as `admin`".to_owned();
        let state = match self {
            Self::Made { revocation: Revocation::Done, .. } => State::Right("created and revoked".to_owned()),
            Self::Made { name, revocation: Revocation::Failed(cause), .. } => State::Open {
                reason: format!("created, but not revoked: {cause}"),
                remedy: Some((
                    "tokens.admin".to_owned(),
                    format!("revoke the key {name} by hand if the target still lists it"),
                )),
            },
            Self::Refused(response) => State::Open {
                reason: format!("not created: {response}"),
                remedy: Some((
                    "tokens.admin".to_owned(),
                    "if that is not the target's fault, check org_id, and whether tokens.admin has the role admin"
                        .to_owned(),
                )),
            },
            Self::Unanswered(error) => State::open(error.clone()),
        };
        Finding { subject, state }
    }

    fn refusal(&self) -> Option<&Response> {
        match self {
            Self::Refused(response) if response.is_refusal() => Some(response),
            _ => None,
        }
    }
}

/// Decides whether the profile is wrong about a session, from the list of its organisations and a second response that
/// agrees with it.
pub(super) fn decide(observation: &Observation, creation: Option<&Creation>, profile: &Profile) -> State {
    let name = identity_name(observation.identity);
    let key = format!("tokens.{name}");
    let org = &observation.org;
    let refused = creation.and_then(Creation::refusal);
    let seen = Some(&observation.list).filter(|list| list.is_refusal()).or(refused);
    if let (true, Some(response)) = (observation.is_elsewhere(), seen) {
        return elsewhere(observation, response, profile);
    }
    if observation.reads_foreign {
        return State::Wrong {
            problem: format!(
                "`outsider` belongs to {} as well: GET /api/user-orgs lists it, and it can read its auth keys",
                profile.content.org_id
            ),
            remedy: format!("set {key} to the session of an admin of {org} only, in {}", profile.place(&key)),
            key,
        };
    }
    let role = observation.role();
    let expected_role = expected_role(observation.identity);
    let expected = if observation.identity == Identity::Member { "a member" } else { "an admin" };
    let confirmation = match creation {
        _ if !observation.has_unexpected_role() => None,
        Some(Creation::Refused(response)) if observation.identity != Identity::Member => {
            (response.status == 403).then_some(response)
        }
        Some(Creation::Made { response, .. }) if observation.identity == Identity::Member => Some(response),
        _ => None,
    };
    if let (Some(role), Some(response)) = (role, confirmation) {
        return State::Wrong {
            problem: format!(
                "the role of `{name}` in {org} is {role}: GET /api/user-orgs says so, and {response}"
            ),
            remedy: format!("set {key} to the session of {expected} of {org}, in {}", profile.place(&key)),
            key,
        };
    }
    match role {
        Some(role) if !expected_role.contains(&role) => State::Open {
            reason: format!("its role in {org} is {role}, says GET /api/user-orgs"),
            remedy: Some((
                key.clone(),
                format!(
                    "if that is right, {key} must be another account's: this one's sub-tests judge somebody else"
                ),
            )),
        },
        // A member may be refused the list (`used-count`).
        _ if !observation.list.is_success() && observation.identity != Identity::Member => {
            State::open(observation.list.to_string())
        }
        role => State::Right(sighting(observation, role)),
    }
}

fn elsewhere(observation: &Observation, response: &Response, profile: &Profile) -> State {
    let Observation { identity, org, .. } = observation;
    let name = identity_name(*identity);
    let token = token_key(*identity);
    let ids = observation.organisations.as_ref().map(Organisations::ids).unwrap_or_default();
    let others =
        if ids.is_empty() { "does not list it".to_owned() } else { format!("lists {}", ids.join(", ")) };
    // The admin decides whether the organisation is right, the others' sessions are compared with it.
    let org_key = match identity {
        Identity::Admin => "org_id",
        Identity::Outsider => "other_org_id",
        Identity::Limited => "quota.org_id",
        Identity::Owner | Identity::Member => token.as_str(),
    };
    let place = profile.place(org_key);
    State::Wrong {
        problem: format!(
            "`{name}` is not in organisation {org}: {response}, and GET /api/user-orgs {others}"
        ),
        remedy: match identity {
            Identity::Owner | Identity::Member => {
                format!("set {token} to the session of a user of {org}, in {place}")
            }
            Identity::Admin | Identity::Outsider | Identity::Limited => {
                format!(
                    "set {org_key} to an organisation of `{name}`, or {token} to a session of {org}, in {place}"
                )
            }
        },
        key: org_key.to_owned(),
    }
}

/// The roles with which nothing is judged wrongly.
fn expected_role(identity: Identity) -> &'static [&'static str] {
    match identity {
        Identity::Admin => &["admin"],
        Identity::Owner => &["owner"],
        Identity::Member => &["member"],
        Identity::Outsider | Identity::Limited => &["admin", "owner"],
    }
}

fn sighting(observation: &Observation, role: Option<&str>) -> String {
    let role = role.map_or_else(|| "accepted".to_owned(), |role| format!("role {role}"));
    let renewal = if observation.is_renewable { "renewable" } else { "cannot be renewed" };
    format!("{role} in {}, {renewal}", observation.org)
}

#[cfg(test)]
mod tests;
