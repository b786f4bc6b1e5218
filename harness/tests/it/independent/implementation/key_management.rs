//! POST /api/key-management: creates and revokes keys.

use serde_json::json;

use super::answer::Answer;
use super::departure::Departure;
use super::person::{Caller, caller};
use super::request::Request;
use super::world::World;
use super::{issue_api_key, issue_auth_key};
use crate::independent::choices::Choice;

pub(super) fn manage(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    if world.chooses(Choice::FieldsBeforeSession) {
        request.required("action")?;
        request.required("org_id")?;
    }
    let caller = caller(world, request)?;
    if matches!(caller, Caller::Program(_)) && world.chooses(Choice::PeopleManageKeys) {
        return Err(Answer::refusal(401, "UNAUTHORIZED", "A session is needed here"));
    }
    let action = request.required("action")?;
    let org = request.required("org_id")?;
    let may = caller.is_of(&org) && (caller.is_admin() || world.departs(Departure::MembersCreate));
    if !may {
        let words = match world.departs(Departure::OtherWordsForAdmin) {
            true => "Administrators only",
            false => "Admin required",
        };
        return Err(Answer::refusal(403, "FORBIDDEN", words));
    }
    check_scopes(world, &caller, &action)?;
    match action.as_str() {
        "create_auth_key" => issue_auth_key::create(world, request, &caller, org),
        "create_api_key" => issue_api_key::create(world, request, org),
        "revoke_auth_key" => revoke_auth_key(world, request, &org),
        "revoke_api_key" if !world.chooses(Choice::NoApiKeyRevocation) => {
            revoke_api_key(world, request, &org)
        }
        _ => Err(Answer::refusal(422, "UNHEARD_OF", "There is no such action")),
    }
}

/// Unless another choice is made, the scope `machines` allows creating auth keys, which no document forbids.
fn check_scopes(world: &World, caller: &Caller, action: &str) -> Result<(), Answer> {
    let allows_machines = action.ends_with("auth_key") && !world.chooses(Choice::ScopesAreNarrow);
    let scopes: &[&str] = if allows_machines { &["admin", "write", "machines"] } else { &["admin", "write"] };
    if caller.has_one_of(scopes) || world.departs(Departure::ScopesUnchecked) {
        return Ok(());
    }
    Err(out_of_scope(world, "This key may not do that"))
}

pub(super) fn out_of_scope(world: &World, message: &str) -> Answer {
    let status = if world.chooses(Choice::OutOfScopeIsUnauthorized) { 401 } else { 403 };
    Answer::refusal(status, "SCOPE_MISSING", message)
}

fn revoke_auth_key(world: &mut World, request: &Request, org: &str) -> Result<Answer, Answer> {
    let id = request.required("key_id")?;
    let refuses_twice = world.chooses(Choice::RevokedOnceOnly);
    let key = world.auth_keys.iter_mut().find(|key| key.org == org && key.id == id);
    let key = key.ok_or_else(gone)?;
    if key.revoked && refuses_twice {
        return Err(Answer::refusal(409, "REVOKED_ALREADY", "This key was revoked before"));
    }
    key.revoked = true;
    Ok(match world.chooses(Choice::RevocationsDescribed) {
        true => Answer::data(200, json!({ "revoked": true, "key_id": id })),
        false => Answer::empty(204),
    })
}

fn revoke_api_key(world: &mut World, request: &Request, org: &str) -> Result<Answer, Answer> {
    let id = request.required("key_id")?;
    let key = world.api_keys.iter_mut().find(|key| key.org == org && key.id == id);
    key.ok_or_else(gone)?.revoked = true;
    Ok(Answer::data(202, json!({ "queued": false })))
}

fn gone() -> Answer {
    Answer::refusal(410, "GONE", "There is no such key")
}
