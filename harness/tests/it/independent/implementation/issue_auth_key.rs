//! The action `create_auth_key`.

use serde_json::{Value, json};

use super::answer::Answer;
use super::auth_key::AuthKey;
use super::departure::Departure;
use super::moment::{self, DAY, Seconds};
use super::person::Caller;
use super::request::Request;
use super::rule;
use super::world::World;
use crate::independent::choices::Choice;

/// The fields of the chapter, without those of the guide.
const CHAPTER: [&str; 8] =
    ["action", "org_id", "name", "reusable", "ephemeral", "expiry_days", "allowed_tags", "allowed_cidrs"];

pub(super) fn create(
    world: &mut World,
    request: &Request,
    caller: &Caller,
    org: String,
) -> Result<Answer, Answer> {
    let name = name(world, request, &org)?;
    let (days, life) = lifetime(world, request)?;
    let key = AuthKey {
        id: world.auth_key_id(),
        org,
        name,
        secret: world.secret(),
        reusable: switch(world, request, "reusable", world.departs(Departure::ReusableByDefault))?,
        ephemeral: switch(world, request, "ephemeral", false)?,
        created: world.now(),
        expires: world.now() + life,
        allowed_tags: list(world, request, "allowed_tags")?.map(|tags| stripped(world, tags)),
        allowed_cidrs: networks(world, request)?,
        tags: tags(world, request)?,
        used: 0,
        revoked: false,
    };
    let answer = json!({
        "id": key.id, "key": key.whole(), "key_prefix": key.shown(),
        "name": key.name, "reusable": key.reusable, "ephemeral": key.ephemeral, "expiry_days": days,
        "allowed_tags": key.allowed_tags, "allowed_cidrs": key.allowed_cidrs,
        "expires": moment::write(key.expires, &world.nature), "made_by": caller.membership().1,
        "links": { "self": "/keys" },
    });
    world.auth_keys.push(key);
    Ok(Answer::data(201, answer))
}

/// The guide's form has no name: it is refused, unless the implementation takes the description or invents a name.
fn name(world: &World, request: &Request, org: &str) -> Result<String, Answer> {
    if world.chooses(Choice::UnknownFieldsRefused) {
        let body = request.body.iter().flatten();
        if let Some((unknown, _)) = body.into_iter().find(|(field, _)| !CHAPTER.contains(&field.as_str()))
            && request.text("name").is_some()
        {
            return Err(Answer::refusal(400, "INVALID_INPUT", &format!("{unknown} is not a field")));
        }
    }
    let name = match (request.required("name"), request.text("description")) {
        (Ok(name), _) => name,
        (Err(_), Some(description)) if world.chooses(Choice::DescriptionNames) => description.to_owned(),
        (Err(_), Some(_)) if world.chooses(Choice::NamesInvented) => {
            format!("key-{}", world.auth_keys.len() + 1)
        }
        (Err(refusal), _) => return Err(refusal),
    };
    if world.chooses(Choice::NamesAreHostNames) && !rule::is_plain_name(&name) {
        return Err(Answer::refusal(400, "INVALID_INPUT", "letters, digits and hyphens"));
    }
    let is_taken = world.auth_keys.iter().any(|key| key.org == org && key.name == name && !key.revoked);
    if is_taken && world.chooses(Choice::NamesAreUnique) {
        return Err(Answer::refusal(409, "NAME_TAKEN", "Another key has that name"));
    }
    Ok(name)
}

fn switch(world: &World, request: &Request, field: &str, default: bool) -> Result<bool, Answer> {
    rule::switch(request.field(field), default, world.chooses(Choice::BooleansTakenLoosely))
}

/// A list; an empty one is none.
fn list(world: &World, request: &Request, field: &str) -> Result<Option<Vec<String>>, Answer> {
    let stays = world.departs(Departure::EmptyListKept);
    let mut list = rule::texts(request.field(field))?.filter(|list| stays || !list.is_empty());
    if world.chooses(Choice::ListsInAnotherOrder) {
        list.iter_mut().for_each(|list| list.reverse());
    }
    Ok(list)
}

fn networks(world: &World, request: &Request) -> Result<Option<Vec<String>>, Answer> {
    let networks = list(world, request, "allowed_cidrs")?;
    if networks.iter().flatten().any(|network| rule::lies_in(request.address, network).is_none()) {
        return Err(Answer::refusal(422, "NOT_A_NETWORK", "networks read 10.0.0.0/8"));
    }
    Ok(networks)
}

fn tags(world: &World, request: &Request) -> Result<Vec<String>, Answer> {
    match world.chooses(Choice::GuideFieldsIgnored) {
        true => Ok(Vec::new()),
        false => Ok(stripped(world, rule::texts(request.field("tags"))?.unwrap_or_default())),
    }
}

fn stripped(world: &World, tags: Vec<String>) -> Vec<String> {
    let kept = world.departs(Departure::TagPrefixKept);
    tags.into_iter().map(|tag| if kept { tag } else { rule::bare(&tag) }).collect()
}

/// The expiry in days for the response, and in seconds for the key.
fn lifetime(world: &World, request: &Request) -> Result<(i64, Seconds), Answer> {
    let expires_in = request.field("expires_in").filter(|_| !world.chooses(Choice::GuideFieldsIgnored));
    if let Some(value) = expires_in {
        let seconds = seconds(world, value)
            .ok_or_else(|| Answer::refusal(422, "EXPIRES_IN", "from five minutes to thirty days"))?;
        return Ok(((seconds + DAY - 1) / DAY, seconds));
    }
    let default = if world.departs(Departure::NinetyOneByDefault) { 91 } else { 90 };
    let most = if world.departs(Departure::LeapYear) { 366 } else { 365 };
    let days = match request.field("expiry_days") {
        None => Some(default),
        Some(Value::Null) => Some(default).filter(|_| !world.chooses(Choice::NullExpiryRefused)),
        Some(Value::Number(number)) if number.is_f64() && world.departs(Departure::FractionsRounded) => {
            Some(1)
        }
        Some(value) => rule::whole(value, 1, most),
    };
    let wrong = || Answer::refusal(400, "INVALID_INPUT", "expiry_days must be an integer between 1 and 365");
    days.map(|days| (days, days * DAY)).ok_or_else(wrong)
}

/// `expires_in` in seconds: whole numbers within the range, unless other forms or values are taken, too.
fn seconds(world: &World, value: &Value) -> Option<Seconds> {
    let loosely = world.chooses(Choice::ExpiresInTakenLoosely);
    let number = match value {
        Value::Number(number) if loosely => number.to_string().split('.').next()?.parse().ok(),
        Value::String(text) if loosely && text == "1h" => Some(3_600),
        Value::String(text) if loosely => text.parse().ok(),
        Value::Bool(true) if loosely => Some(3_600),
        value => value.as_i64(),
    }?;
    let (least, most) = (300, 30 * DAY);
    match world.chooses(Choice::ExpiresInClamped) {
        true => Some(number.clamp(least, most)),
        false => Some(number).filter(|number| (least..=most).contains(number)),
    }
}
