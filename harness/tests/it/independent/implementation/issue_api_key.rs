//! API keys: the action `create_api_key`, and the insertion of keys that were made in the browser.

use serde_json::{Value, json};

use super::answer::Answer;
use super::api_key::{ApiKey, PREFIX, hash};
use super::auth_key::shown;
use super::departure::Departure;
use super::moment::{self, DAY};
use super::person::caller;
use super::request::Request;
use super::rule;
use super::world::World;
use crate::independent::choices::Choice;

const SCOPES: [&str; 8] = ["read", "write", "admin", "machines", "dns", "acl", "billing", "audit"];

pub(super) fn create(world: &mut World, request: &Request, org: String) -> Result<Answer, Answer> {
    let name = request.required("name")?;
    let is_taken = world.api_keys.iter().any(|key| key.org == org && key.name == name && !key.revoked);
    if is_taken && world.chooses(Choice::NamesAreUnique) {
        return Err(Answer::refusal(409, "NAME_TAKEN", "Another key has that name"));
    }
    let days = days(world, request)?;
    let scopes = scopes(world, request)?;
    let rate = rate(request)?;
    let material = world.secret();
    let whole = format!("{PREFIX}{material}");
    let key = ApiKey {
        id: world.id(),
        org,
        name,
        hash: hash(&whole),
        shown: shown(PREFIX, &material),
        scopes,
        rate,
        created: world.now(),
        expires: world.now() + days * DAY,
        revoked: false,
        uses: 0,
        lately: Vec::new(),
    };
    let answer = json!({
        "id": key.id, "key": whole, "key_prefix": key.shown, "name": key.name,
        "expiry_days": days, "rotates": false,
    });
    world.api_keys.push(key);
    Ok(Answer::data(201, answer))
}

fn days(world: &World, request: &Request) -> Result<i64, Answer> {
    let most = if world.departs(Departure::NinetyOneDays) { 91 } else { 90 };
    let days = match request.field("expiry_days") {
        None => Some(30),
        Some(Value::Null) if world.chooses(Choice::NullExpiryDefaults) => Some(30),
        Some(value) => rule::whole(value, 1, most),
    };
    let message = "expiry_days must be an integer between 1 and 90 (zero standing privilege policy)";
    days.ok_or_else(|| Answer::refusal(400, "INVALID_INPUT", message))
}

fn rate(request: &Request) -> Result<usize, Answer> {
    let rate = match request.field("rate_limit_rpm") {
        None => Some(60),
        Some(value) => value.as_u64().filter(|rate| *rate > 0),
    };
    let rate = rate.ok_or_else(|| Answer::refusal(422, "RATE", "a positive whole number"))?;
    Ok(usize::try_from(rate).unwrap_or(usize::MAX))
}

/// Upper case and surrounding blanks are accepted unless the choice is otherwise: no document forbids them.
fn scopes(world: &World, request: &Request) -> Result<Vec<String>, Answer> {
    let mut scopes = rule::texts(request.field("scopes"))?.unwrap_or_default();
    if !world.chooses(Choice::ScopesTakenExactly) {
        scopes = scopes.iter().map(|scope| scope.trim().to_lowercase()).collect();
        scopes.retain(|scope| !scope.is_empty());
    }
    let unknown: Vec<&str> =
        scopes.iter().map(String::as_str).filter(|scope| !SCOPES.contains(scope)).collect();
    if !unknown.is_empty() && !world.departs(Departure::UnknownScopes) {
        let message = format!("Invalid scopes: {}. Valid: {}", unknown.join(", "), SCOPES.join(", "));
        return Err(Answer::refusal(400, "INVALID_SCOPES", &message));
    }
    Ok(scopes)
}

/// POST /api/db/api_keys: a key that was made in the browser, by its hash.
pub(super) fn insert(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let caller = caller(world, request)?;
    let org = request.required("org_id")?;
    if !caller.is_of(&org) || !caller.is_admin() || !caller.has_one_of(&["admin", "write"]) {
        return Err(Answer::refusal(403, "FORBIDDEN", "Admin required"));
    }
    let expires = request.field("expires_at").and_then(moment::read);
    let expires = expires.filter(|expires| *expires <= world.now() + 90 * DAY);
    let key = ApiKey {
        id: world.id(),
        org,
        name: request.required("name")?,
        hash: request.required("key_hash")?,
        shown: request.required("key_prefix")?,
        scopes: rule::texts(request.field("scopes"))?.unwrap_or_default(),
        rate: rate(request)?,
        created: world.now(),
        expires: expires.ok_or_else(|| Answer::refusal(422, "EXPIRY", "at most 90 days ahead"))?,
        revoked: false,
        uses: 0,
        lately: Vec::new(),
    };
    let id = key.id.clone();
    world.api_keys.push(key);
    Ok(match world.chooses(Choice::InsertionsAnswerNothing) {
        true => Answer::empty(204),
        false => Answer::data(200, json!({ "inserted": id })),
    })
}
