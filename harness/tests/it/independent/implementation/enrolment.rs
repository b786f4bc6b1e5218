//! Machines: registration, heartbeats, quarantine and deletion.

use std::net::IpAddr;

use serde_json::json;
use uuid::Uuid;

use super::world::{AuthKey, Machine, Seconds, World, secret};
use super::{Answer, Departure, Request, rule};

/// A registration in progress, which holds its key and its name.
pub(super) struct Claim {
    key: AuthKey,
    name: String,
    locks: [String; 2],
}

/// Looks the key up and holds key and name.
pub(super) fn claim(world: &mut World, request: &Request) -> Result<Claim, Answer> {
    let name = request.text("name").filter(|name| !name.is_empty());
    let (Some(name), Some(key), Some(_)) = (name, request.text("auth_key"), request.text("public_key"))
    else {
        return Err(Answer::refusal(422, "INCOMPLETE", "auth_key, name and public_key are needed"));
    };
    let known = key
        .trim()
        .strip_prefix("tskey-auth-")
        .and_then(|secret| world.auth_keys.iter().find(|known| known.secret == secret).cloned());
    let key = known.ok_or_else(invalid)?;
    let locks = [format!("key {}", key.id), format!("name {} {name}", key.org)];
    let crosses = locks.iter().any(|lock| world.registering.contains(lock));
    if crosses && !world.departs(Departure::RacesLetSeveralIn) {
        return Err(Answer::refusal(409, "REGISTRATION_CONFLICT", "Somebody registers just now; retry"));
    }
    world.registering.extend(locks.clone());
    Ok(Claim { key, name: name.to_owned(), locks })
}

/// Decides, and releases key and name.
pub(super) fn register(world: &mut World, request: &Request, claim: &Claim) -> Answer {
    for lock in &claim.locks {
        world.registering.remove(lock);
    }
    enrol(world, request, claim).unwrap_or_else(|refusal| refusal)
}

fn enrol(world: &mut World, request: &Request, claim: &Claim) -> Result<Answer, Answer> {
    let now = world.now();
    // The departure decides by what it read before it waited.
    let used = |world: &World| match world.departs(Departure::RacesLetSeveralIn) {
        true => claim.key.used,
        false => world.auth_keys.iter().find(|key| key.id == claim.key.id).map_or(0, |key| key.used),
    };
    let is_used_up = !claim.key.reusable && used(world) > 0;
    let code = match world.departs(Departure::OtherCodeForUsed) {
        true => "KEY_EXHAUSTED",
        false => "KEY_USED",
    };
    let exhausted = || Answer::refusal(401, code, "Auth key already used");
    let is_revoked = claim.key.revoked && !world.departs(Departure::RevokedEnrols);
    if is_revoked || claim.key.expires <= now {
        return Err(invalid());
    }
    if is_used_up {
        return Err(exhausted());
    }
    check_address(world, request, &claim.key)?;
    let claimed = rule::texts(request.field("tags"))?.unwrap_or_default();
    let claimed: Vec<String> = claimed.iter().map(|tag| rule::bare(tag).to_lowercase()).collect();
    if let Some(allowed) = &claim.key.allowed_tags
        && claimed.iter().any(|tag| !allowed.contains(tag))
    {
        if world.departs(Departure::RefusedTagCounts) {
            count(world, &claim.key);
        }
        return Err(Answer::refusal(422, "TAG_FORBIDDEN", "This key does not give that tag"));
    }
    Ok(enter(world, claim, &claimed, now))
}

fn enter(world: &mut World, claim: &Claim, claimed: &[String], now: Seconds) -> Answer {
    let token = format!("machine-{}", secret());
    let mut tags = claim.key.tags.clone();
    tags.extend(claimed.iter().filter(|tag| !claim.key.tags.contains(tag)).cloned());
    let (stays_good, second) =
        (world.departs(Departure::OldCredentialGood), world.departs(Departure::SecondRecord));
    let known = world
        .machines
        .iter_mut()
        .find(|machine| machine.org == claim.key.org && machine.name == claim.name && !second);
    let (status, id, address) = match known {
        Some(machine) => {
            if !stays_good {
                machine.tokens.clear();
            }
            machine.tokens.push(token.clone());
            (machine.seen, machine.tags) = (now, tags);
            (200, machine.id, machine.address)
        }
        None => {
            let (id, address) = (Uuid::new_v4(), world.next_address());
            world.machines.push(Machine {
                id,
                org: claim.key.org.clone(),
                name: claim.name.clone(),
                address,
                tags,
                ephemeral: claim.key.ephemeral,
                quarantined: false,
                seen: now,
                created: now,
                tokens: vec![token.clone()],
            });
            (201, id, address)
        }
    };
    if status == 201 || !world.departs(Departure::CountsMachines) {
        count(world, &claim.key);
    }
    let welcome = json!({ "machine_token": token, "machine_id": id, "ip": address, "region": "blr" });
    Answer::data(status, welcome)
}

fn check_address(world: &World, request: &Request, key: &AuthKey) -> Result<(), Answer> {
    let told = request.header("x-forwarded-for").and_then(|address| address.parse::<IpAddr>().ok());
    let believed = told.filter(|_| world.departs(Departure::AddressFromHeader)).unwrap_or(request.address);
    let Some(networks) = &key.allowed_cidrs else { return Ok(()) };
    let is_inside = networks.iter().any(|network| rule::lies_in(believed, network) == Some(true));
    let outside = || Answer::refusal(401, "WRONG_PLACE", "This key is not for use from there");
    if is_inside { Ok(()) } else { Err(outside()) }
}

fn count(world: &mut World, used: &AuthKey) {
    world.auth_keys.iter_mut().filter(|key| key.id == used.id).for_each(|key| key.used += 1);
}

fn invalid() -> Answer {
    Answer::refusal(401, "INVALID_KEY", "This auth key is not valid (any more)")
}

pub(super) fn heartbeat(world: &mut World, request: &Request) -> Answer {
    let (now, word) = (world.now(), world.departs(Departure::QuarantineIsAWord));
    let token = request.bearer.clone().unwrap_or_default();
    let machine = world.machines.iter_mut().find(|machine| machine.tokens.contains(&token));
    match machine.filter(|machine| word || !machine.quarantined) {
        Some(machine) => {
            machine.seen = now;
            Answer::empty(204)
        }
        None => Answer::refusal(403, "WHO_ARE_YOU", "No machine has this credential"),
    }
}

pub(super) fn administer(world: &mut World, request: &Request) -> Answer {
    let caller = match world.caller(request) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let org = request.text("org_id").unwrap_or_default();
    let scoped =
        caller.has_one_of(&["admin", "write", "machines"]) || world.departs(Departure::ScopesUnchecked);
    // Members are allowed too, which no document forbids.
    if !caller.is_of(org) || !scoped {
        return Answer::refusal(403, "NOT_YOURS", "Not your machine");
    }
    let id = request.text("machine_id").unwrap_or_default();
    let position =
        world.machines.iter().position(|machine| machine.org == org && machine.id.to_string() == id);
    match (request.text("action"), position) {
        (Some("delete"), Some(position)) => {
            world.machines.remove(position);
            Answer::empty(204)
        }
        (Some("quarantine"), Some(position)) => {
            world.machines[position].quarantined = true;
            Answer::data(202, json!({ "effective": "now" }))
        }
        (Some("delete" | "quarantine"), None) => Answer::refusal(410, "GONE", "There is no such machine"),
        _ => Answer::refusal(422, "UNHEARD_OF", "There is no such action"),
    }
}
