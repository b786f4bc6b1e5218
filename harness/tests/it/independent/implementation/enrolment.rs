//! Registration of machines, and their heartbeats.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::answer::Answer;
use super::auth_key::{AuthKey, PREFIX};
use super::departure::Departure;
use super::machine::Machine;
use super::request::Request;
use super::rule;
use super::world::World;
use crate::independent::choices::Choice;

/// A registration in progress, which holds its key and its name.
pub(super) struct Claim {
    key: AuthKey,
    name: String,
    locks: [String; 2],
}

/// Why a registration cannot begin.
pub(super) enum Obstacle {
    /// Another one holds the key or the name.
    Held,
    Refused(Answer),
}

/// Looks the key up, and holds key and name.
pub(super) fn claim(world: &mut World, request: &Request) -> Result<Claim, Obstacle> {
    if world.chooses(Choice::ClaimsRefused) && request.field("tags").is_some() {
        return Err(Obstacle::Refused(Answer::refusal(422, "UNKNOWN_FIELD", "tags is not a field")));
    }
    let name = request.text("name").filter(|name| !name.is_empty());
    let (Some(name), Some(key), Some(_)) = (name, request.text("auth_key"), request.text("public_key"))
    else {
        let refusal = Answer::refusal(422, "INCOMPLETE", "auth_key, name and public_key are needed");
        return Err(Obstacle::Refused(refusal));
    };
    let key = find_key(world, key).ok_or_else(|| Obstacle::Refused(invalid()))?;
    let locks = [format!("key {}", key.id), format!("name {} {name}", key.org)];
    let crosses = locks.iter().any(|lock| world.registering.contains(lock));
    if crosses && !world.departs(Departure::RacesLetSeveralIn) {
        return Err(Obstacle::Held);
    }
    world.registering.extend(locks.clone());
    Ok(Claim { key, name: name.to_owned(), locks })
}

fn find_key(world: &World, key: &str) -> Option<AuthKey> {
    let key = key.trim();
    let secret =
        key.strip_prefix(PREFIX).or_else(|| Some(key).filter(|_| world.chooses(Choice::BareKeysTaken)))?;
    world.auth_keys.iter().find(|known| known.secret == secret).cloned()
}

pub(super) fn conflict() -> Answer {
    Answer::refusal(409, "REGISTRATION_CONFLICT", "Somebody registers just now; retry")
}

/// Decides, and releases key and name.
pub(super) fn register(world: &mut World, request: &Request, claim: &Claim) -> Result<Answer, Answer> {
    for lock in &claim.locks {
        world.registering.remove(lock);
    }
    check_key(world, claim)?;
    check_address(world, request, &claim.key)?;
    let claimed = claimed_tags(world, request, &claim.key)?;
    let mut tags = claim.key.tags.clone();
    tags.extend(claimed.into_iter().filter(|tag| !claim.key.tags.contains(tag)));
    let (is_new, welcome) = enter(world, &claim.key.org, &claim.name, tags, claim.key.ephemeral);
    if is_new || !world.departs(Departure::CountsMachines) {
        count(world, &claim.key);
    }
    let status = match is_new {
        _ if world.chooses(Choice::RegistrationsAreOk) => 200,
        _ if world.chooses(Choice::RegistrationsAreCreated) => 201,
        true => 201,
        false => 200,
    };
    Ok(Answer::data(status, welcome))
}

fn check_key(world: &World, claim: &Claim) -> Result<(), Answer> {
    // The departure decides by what it read before it waited.
    let used = match world.departs(Departure::RacesLetSeveralIn) {
        true => claim.key.used,
        false => world.auth_keys.iter().find(|key| key.id == claim.key.id).map_or(0, |key| key.used),
    };
    let is_used_up = !claim.key.reusable && used > 0;
    let is_revoked = claim.key.revoked && !world.departs(Departure::RevokedEnrols);
    let is_over = is_revoked || claim.key.expires <= world.now();
    if is_used_up && (!is_over || world.chooses(Choice::UsedBeforeExpired)) {
        return Err(exhausted(world));
    }
    if is_over { Err(invalid()) } else { Ok(()) }
}

fn exhausted(world: &World) -> Answer {
    if world.chooses(Choice::UsedKeysAreInvalid) {
        return invalid();
    }
    let code = if world.departs(Departure::OtherCodeForUsed) { "KEY_EXHAUSTED" } else { "KEY_USED" };
    let message = match world.chooses(Choice::HasAlreadyBeenUsed) {
        true => "Auth key has already been used",
        false => "Auth key already used",
    };
    Answer::refusal(401, code, message)
}

fn invalid() -> Answer {
    Answer::refusal(401, "INVALID_KEY", "This auth key is not valid (any more)")
}

fn check_address(world: &World, request: &Request, key: &AuthKey) -> Result<(), Answer> {
    let told = request.header("x-forwarded-for").and_then(|address| address.parse::<IpAddr>().ok());
    let believed = told.filter(|_| world.departs(Departure::AddressFromHeader)).unwrap_or(request.address);
    let Some(networks) = &key.allowed_cidrs else { return Ok(()) };
    let is_inside = networks.iter().any(|network| rule::lies_in(believed, network) == Some(true));
    if is_inside {
        return Ok(());
    }
    Err(match world.chooses(Choice::OutsideIsForbidden) {
        true => Answer::refusal(403, "NOT_FROM_THERE", "This key is not for use from there"),
        false => Answer::refusal(401, "WRONG_PLACE", "This key is not for use from there"),
    })
}

/// The tags that the machine claims and the key allows.
fn claimed_tags(world: &mut World, request: &Request, key: &AuthKey) -> Result<Vec<String>, Answer> {
    if world.chooses(Choice::AllowedTagsAreGiven) {
        return Ok(key.allowed_tags.clone().unwrap_or_default());
    }
    if world.chooses(Choice::ClaimsIgnored) {
        return Ok(Vec::new());
    }
    let claimed = rule::texts(request.field("tags"))?.unwrap_or_default();
    let mut claimed: Vec<String> = claimed.iter().map(|tag| rule::bare(tag).to_lowercase()).collect();
    let Some(allowed) = &key.allowed_tags else { return Ok(claimed) };
    if world.chooses(Choice::OtherTagsDropped) {
        claimed.retain(|tag| allowed.contains(tag));
    }
    if claimed.iter().all(|tag| allowed.contains(tag)) {
        return Ok(claimed);
    }
    if world.departs(Departure::RefusedTagCounts) {
        count(world, key);
    }
    let (status, code) = match world.chooses(Choice::OtherTagsMakeKeysInvalid) {
        true => (401, "INVALID_KEY"),
        false => (422, "TAG_FORBIDDEN"),
    };
    Err(Answer::refusal(status, code, "This key does not give that tag"))
}

/// Makes the machine, or re-activates it with a new credential. Tells whether it is new, and what it is told.
pub(super) fn enter(
    world: &mut World,
    org: &str,
    name: &str,
    tags: Vec<String>,
    ephemeral: bool,
) -> (bool, Value) {
    let token = format!("machine-{}", world.secret());
    let (now, nature) = (world.now(), world.nature.clone());
    let is_separate = nature.departs(Departure::SecondRecord);
    let known = world.machines.iter_mut().find(|known| known.is_named(org, name, &nature) && !is_separate);
    let (is_new, id, address) = match known {
        Some(machine) => {
            if !nature.departs(Departure::OldCredentialGood) {
                machine.tokens.clear();
            }
            machine.tokens.push(token.clone());
            (machine.seen, machine.tags) = (now, tags);
            (false, machine.id.clone(), machine.address)
        }
        None => {
            let (id, address) = (world.id(), world.free_address());
            world.machines.push(Machine {
                id: id.clone(),
                org: org.to_owned(),
                name: name.to_owned(),
                address,
                tags,
                ephemeral,
                quarantined: false,
                removed: None,
                seen: now,
                created: now,
                tokens: vec![token.clone()],
            });
            (true, id, address)
        }
    };
    let mut welcome = json!({ "machine_id": id, "ip": address, "region": "blr", "organisation": org });
    match nature.chooses(Choice::CredentialElsewhere) {
        true => welcome["credential"] = json!({ "secret": token }),
        false => welcome["machine_token"] = json!(token),
    }
    (is_new, welcome)
}

fn count(world: &mut World, used: &AuthKey) {
    world.auth_keys.iter_mut().filter(|key| key.id == used.id).for_each(|key| key.used += 1);
}

pub(super) fn heartbeat(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    let now = world.now();
    let says_yes = world.chooses(Choice::HeartbeatsAnswered);
    let machine = machine(world, request)?;
    machine.seen = now;
    Ok(if says_yes { Answer::data(200, json!({ "next": 60 })) } else { Answer::empty(204) })
}

/// The machine whose credential the request has.
pub(super) fn machine<'world>(
    world: &'world mut World,
    request: &Request,
) -> Result<&'world mut Machine, Answer> {
    let quarantine_is_a_word = world.departs(Departure::QuarantineIsAWord);
    let status = if world.chooses(Choice::RemovedMachinesAreGone) { 410 } else { 403 };
    let token = request.bearer.clone().unwrap_or_default();
    let machine = world.machines.iter_mut().find(|machine| machine.tokens.contains(&token));
    match machine {
        Some(machine) if quarantine_is_a_word || !machine.quarantined => Ok(machine),
        Some(_) => Err(Answer::refusal(403, "ISOLATED", "This machine is quarantined")),
        None => Err(Answer::refusal(status, "WHO_ARE_YOU", "No machine has this credential")),
    }
}
