//! POST /api/key-management: creates and revokes keys.

use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{ApiKey, AuthKey, Caller, DAY, Seconds, World, hash, moment, seconds, secret};
use super::{Answer, Departure, Request, rule};

const SCOPES: [&str; 8] = ["read", "write", "admin", "machines", "dns", "acl", "billing", "audit"];

pub(super) fn key_management(world: &mut World, request: &Request) -> Answer {
    manage(world, request).unwrap_or_else(|refusal| refusal)
}

fn manage(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let caller = world.caller(request)?;
    let action = required(request, "action")?;
    let org = required(request, "org_id")?;
    let may = caller.is_of(&org) && (caller.is_admin() || world.departs(Departure::MembersCreate));
    if !may {
        let words = match world.departs(Departure::OtherWordsForAdmin) {
            true => "Administrators only",
            false => "Admin required",
        };
        return Err(Answer::refusal(403, "FORBIDDEN", words));
    }
    // The scope `machines` allows creating auth keys, which no document forbids.
    let scopes: &[&str] = match action.ends_with("auth_key") {
        true => &["admin", "write", "machines"],
        false => &["admin", "write"],
    };
    if !caller.has_one_of(scopes) && !world.departs(Departure::ScopesUnchecked) {
        return Err(Answer::refusal(403, "SCOPE_MISSING", "This key may not do that"));
    }
    match action.as_str() {
        "create_auth_key" => create_auth_key(world, request, &caller, org),
        "create_api_key" => create_api_key(world, request, org),
        "revoke_auth_key" => {
            let id = required(request, "key_id")?;
            let key = world.auth_keys.iter_mut().find(|key| key.org == org && key.id.to_string() == id);
            key.ok_or_else(|| Answer::refusal(410, "GONE", "There is no such key"))?.revoked = true;
            Ok(Answer::empty(204))
        }
        "revoke_api_key" => {
            let id = required(request, "key_id")?;
            let key = world.api_keys.iter_mut().find(|key| key.org == org && key.id.to_string() == id);
            key.ok_or_else(|| Answer::refusal(410, "GONE", "There is no such key"))?.revoked = true;
            Ok(Answer::data(202, json!({ "queued": false })))
        }
        _ => Err(Answer::refusal(422, "UNHEARD_OF", "There is no such action")),
    }
}

fn required(request: &Request, field: &str) -> Result<String, Answer> {
    let given = request.text(field).filter(|text| !text.is_empty());
    given
        .map(str::to_owned)
        .ok_or_else(|| Answer::refusal(400, "MISSING_FIELDS", &format!("{field} required")))
}

/// The guide's form is accepted only with a name: a `description` does not replace it.
fn create_auth_key(
    world: &mut World,
    request: &Request,
    caller: &Caller,
    org: String,
) -> Result<Answer, Answer> {
    let name = required(request, "name")?;
    let (days, life) = lifetime(world, request)?;
    let kept = world.departs(Departure::TagPrefixKept);
    let strip = |tags: Vec<String>| -> Vec<String> {
        tags.into_iter().map(|tag| if kept { tag } else { rule::bare(&tag) }).collect()
    };
    let empty_stays = world.departs(Departure::EmptyListKept);
    let list = |field| Ok(rule::texts(request.field(field))?.filter(|list| empty_stays || !list.is_empty()));
    let allowed_tags = list("allowed_tags")?.map(strip);
    let allowed_cidrs: Option<Vec<String>> = list("allowed_cidrs")?;
    if allowed_cidrs.iter().flatten().any(|network| rule::lies_in(request.address, network).is_none()) {
        return Err(Answer::refusal(422, "NOT_A_NETWORK", "networks read 10.0.0.0/8"));
    }
    let reusable = rule::switch(request.field("reusable"), world.departs(Departure::ReusableByDefault))?;
    let ephemeral = rule::switch(request.field("ephemeral"), false)?;
    let key = AuthKey {
        id: Uuid::new_v4(),
        org,
        name,
        secret: secret(),
        reusable,
        ephemeral,
        created: world.now(),
        expires: world.now() + life,
        allowed_tags,
        allowed_cidrs,
        tags: strip(rule::texts(request.field("tags"))?.unwrap_or_default()),
        used: 0,
        revoked: false,
    };
    let answer = json!({
        "id": key.id, "key": format!("tskey-auth-{}", key.secret), "key_prefix": prefix("tskey-auth-", &key.secret),
        "name": key.name, "reusable": key.reusable, "ephemeral": key.ephemeral, "expiry_days": days,
        "allowed_tags": key.allowed_tags, "allowed_cidrs": key.allowed_cidrs,
        "expires": moment(key.expires), "made_by": caller.membership().1, "links": { "self": "/keys" },
    });
    world.auth_keys.push(key);
    Ok(Answer::data(201, answer))
}

/// The expiry in days for the response, and in seconds for the key.
fn lifetime(world: &World, request: &Request) -> Result<(i64, Seconds), Answer> {
    if let Some(seconds) = request.field("expires_in") {
        let seconds = rule::whole(seconds, 300, 30 * DAY)
            .ok_or_else(|| Answer::refusal(422, "EXPIRES_IN", "from five minutes to thirty days"))?;
        return Ok(((seconds + DAY - 1) / DAY, seconds));
    }
    let default = if world.departs(Departure::NinetyOneByDefault) { 91 } else { 90 };
    let most = if world.departs(Departure::LeapYear) { 366 } else { 365 };
    let days = match request.field("expiry_days") {
        None | Some(Value::Null) => Some(default),
        Some(Value::Number(number)) if number.is_f64() && world.departs(Departure::FractionsRounded) => {
            Some(1)
        }
        Some(value) => rule::whole(value, 1, most),
    };
    let wrong = || Answer::refusal(400, "INVALID_INPUT", "expiry_days must be an integer between 1 and 365");
    days.map(|days| (days, days * DAY)).ok_or_else(wrong)
}

fn create_api_key(world: &mut World, request: &Request, org: String) -> Result<Answer, Answer> {
    let name = required(request, "name")?;
    let most = if world.departs(Departure::NinetyOneDays) { 91 } else { 90 };
    let days = match request.field("expiry_days") {
        None => Some(30),
        Some(value) => rule::whole(value, 1, most),
    };
    let message = "expiry_days must be an integer between 1 and 90 (zero standing privilege policy)";
    let days = days.ok_or_else(|| Answer::refusal(400, "INVALID_INPUT", message))?;
    let scopes = rule::texts(request.field("scopes"))?.unwrap_or_default();
    // Upper case and surrounding blanks are accepted, which no document forbids.
    let scopes: Vec<String> = scopes.iter().map(|scope| scope.trim().to_lowercase()).collect();
    let unknown: Vec<&str> = scopes
        .iter()
        .map(String::as_str)
        .filter(|scope| !SCOPES.contains(scope) && !scope.is_empty())
        .collect();
    if !unknown.is_empty() && !world.departs(Departure::UnknownScopes) {
        let message = format!("Invalid scopes: {}. Valid: {}", unknown.join(", "), SCOPES.join(", "));
        return Err(Answer::refusal(400, "INVALID_SCOPES", &message));
    }
    let rate = match request.field("rate_limit_rpm") {
        None => Some(60),
        Some(value) => value.as_u64().filter(|rate| *rate > 0),
    };
    let rate = rate.ok_or_else(|| Answer::refusal(422, "RATE", "a positive whole number"))?;
    let material = secret();
    let whole = format!("qztna_{material}");
    let key = ApiKey {
        id: Uuid::new_v4(),
        org,
        name,
        hash: hash(&whole),
        prefix: prefix("qztna_", &material),
        scopes,
        rate: usize::try_from(rate).unwrap_or(usize::MAX),
        created: world.now(),
        expires: world.now() + days * DAY,
        revoked: false,
        uses: 0,
        lately: Vec::new(),
    };
    let answer = json!({
        "id": key.id, "key": whole, "key_prefix": key.prefix, "name": key.name,
        "expiry_days": days, "rotates": false,
    });
    world.api_keys.push(key);
    Ok(Answer::data(201, answer))
}

/// POST /api/db/api_keys: a key that was made in the browser, by its hash.
pub(super) fn insert(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let caller = world.caller(request)?;
    let org = required(request, "org_id")?;
    if !caller.is_of(&org) || !caller.is_admin() || !caller.has_one_of(&["admin", "write"]) {
        return Err(Answer::refusal(403, "FORBIDDEN", "Admin required"));
    }
    let expires = seconds(&required(request, "expires_at")?);
    let expires = expires.filter(|expires| *expires <= world.now() + 90 * DAY);
    let key = ApiKey {
        id: Uuid::new_v4(),
        org,
        name: required(request, "name")?,
        hash: required(request, "key_hash")?,
        prefix: required(request, "key_prefix")?,
        scopes: rule::texts(request.field("scopes"))?.unwrap_or_default(),
        rate: 60,
        created: world.now(),
        expires: expires.ok_or_else(|| Answer::refusal(422, "EXPIRY", "at most 90 days ahead"))?,
        revoked: false,
        uses: 0,
        lately: Vec::new(),
    };
    let answer = json!({ "inserted": key.id });
    world.api_keys.push(key);
    Ok(Answer::data(200, answer))
}

/// The part of a key that lists show.
pub(super) fn prefix(prefix: &str, secret: &str) -> String {
    format!("{prefix}{}...", secret.get(..8).unwrap_or_default())
}
