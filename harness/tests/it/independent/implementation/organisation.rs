//! GET /api/user-orgs.

use serde_json::json;

use super::answer::Answer;
use super::person::{Caller, caller};
use super::request::Request;
use super::world::World;
use crate::independent::choices::Choice;

pub(super) fn list(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let caller = caller(world, request)?;
    if matches!(caller, Caller::Program(_)) {
        return Err(Answer::refusal(403, "PEOPLE_ONLY", "A program has no organisations"));
    }
    let (org, role) = caller.membership();
    let answer = if world.chooses(Choice::OrganisationsByName) {
        json!({ "organisations": { org: { "role": role } } })
    } else if world.chooses(Choice::OrganisationsNested) {
        json!({ "success": true, "data": { "memberships": [{ "organisation": { "id": org }, "as": role.to_uppercase() }] } })
    } else {
        json!([{ "org_id": org, "role": role, "plan": "free", "members": 3 }])
    };
    Ok(Answer::json(200, answer))
}
