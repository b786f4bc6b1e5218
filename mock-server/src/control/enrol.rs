//! Registers machines with an auth key or a session.
//!
//! One transaction loads the facts, applies the rules, claims a use of the key and stores the machine; a refusal leaves
//! no trace.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::access::{Actor, Caller, Permission, require};
use super::audit::{self, AuditEntry};
use super::{ControlError, Draws};
use crate::domain::key::material::{self, Material};
use crate::domain::key::{self, AuthKey, Grant};
use crate::domain::machine::Status;
use crate::domain::quota::admit_pending;
use crate::domain::{Refusal, Timestamp};
use crate::store::auth_keys::KeyAndQuota;
use crate::store::machines::{Attempt, Machine};
use crate::store::{Lookup, StoreError, Tx, addresses, auth_keys, machines, quarantines, users};

/// How long after a registration a repetition of it is recognised: time to free a full disk or to mend a network.
const REPETITION_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// A validated request to register a machine.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub name: String,
    /// The WireGuard public key in base64.
    pub public_key: String,
    pub os: Option<String>,
    pub version: Option<String>,
    /// The claimed tags, normalised.
    pub tags: Vec<String>,
    pub address: Option<IpAddr>,
    /// The hash of the request's Idempotency-Key.
    pub attempt_hash: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Enrolled {
    pub machine: Machine,
    /// Whether the name existed before; the machine then keeps its id and address (`headless/F.4`). A repetition has the
    /// value of the first answer.
    pub reregistered: bool,
    /// The token of later requests.
    pub token: Material,
}

/// Who registers the machine, and with which properties.
struct Admission<'a> {
    actor: &'a str,
    org_id: &'a str,
    auth_key_id: Option<&'a str>,
    enrolled_by: Option<&'a str>,
    status: Status,
    grant: Grant,
    limit: i64,
    /// The attempt that this request repeats, because its answer was lost.
    repeats: Option<Attempt>,
}

/// What [`with_key`] is going to look up; `None` if the text is no auth key.
pub fn lookup(auth_key: &str, candidate: &Candidate) -> Option<Lookup> {
    let key_hash = material::auth_key_hash(auth_key)?;
    Some(Lookup::new(key_hash, &candidate.name, &candidate.public_key))
}

/// Registers a machine with an auth key (`headless/F.2`, `used-count/F.1`).
pub fn with_key(
    tx: &mut Tx<'_>,
    auth_key: &str,
    candidate: &Candidate,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<Enrolled, ControlError> {
    let KeyAndQuota { key: found, quota } = load_key(tx, auth_key)?.ok_or(Refusal::InvalidKey)?;
    let existing = machines::find_by_name(tx, &found.org_id, &candidate.name)?;
    let quota_if_new = takes_place(existing.as_ref()).then_some(quota);
    let request = key::Request { address: candidate.address, tags: &candidate.tags, quota: quota_if_new };
    let repeats = repeated(tx, existing.as_ref(), candidate, Some(&found.id), now)?;
    // The use that a repetition would count is the one that the first request has counted.
    let counted = i64::from(repeats.is_some());
    let facts = AuthKey { used_count: found.used_count.saturating_sub(counted), ..found.clone() };
    let grant = key::decide(Some(&facts), &request, now)?;
    refuse_quarantined(tx, &found.org_id, candidate)?;
    refuse_held_key(tx, &found.org_id, existing.as_ref(), candidate)?;
    if repeats.is_none() && !auth_keys::claim(tx, &found.id, now)? {
        // Another replica used or revoked the key in the meantime, so its current state decides on the refusal.
        let current = load_key(tx, auth_key)?;
        key::decide(current.as_ref().map(|found| &found.key), &request, now)?;
        return Err(Refusal::RegistrationConflict.into());
    }
    let admission = Admission {
        actor: &format!("auth-key:{}", found.id),
        org_id: &found.org_id,
        auth_key_id: Some(&found.id),
        enrolled_by: None,
        status: Status::Online,
        grant,
        limit: quota.limit,
        repeats,
    };
    store(tx, admission, existing.as_ref(), candidate, random, now)
}

/// Registers a machine with a session. An admin's machine is online at once, a member's awaits approval.
pub fn with_session(
    tx: &mut Tx<'_>,
    caller: &Caller,
    org_id: Option<&str>,
    candidate: &Candidate,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<Enrolled, ControlError> {
    let org_id = match org_id {
        Some(org_id) => org_id.to_owned(),
        None => only_organisation(tx, caller)?,
    };
    let actor = require(tx, caller, &org_id, Permission::Join, now)?;
    // Tags grant access, so without an auth key only an admin may assign them.
    if !actor.role.administers() && !candidate.tags.is_empty() {
        return Err(Refusal::TagNotAllowed { tags: candidate.tags.clone() }.into());
    }
    let existing = machines::find_by_name(tx, &org_id, &candidate.name)?;
    refuse_quarantined(tx, &org_id, candidate)?;
    refuse_takeover(existing.as_ref(), &actor)?;
    let quota = addresses::quota(tx, &org_id)?.ok_or(Refusal::NotFound("Organisation"))?;
    let repeats = repeated(tx, existing.as_ref(), candidate, None, now)?;
    let approved = existing.as_ref().filter(|_| repeats.is_some()).map(|machine| machine.status);
    let status = approved.unwrap_or_else(|| initial_status(&actor));
    if existing.is_none() || status != Status::Pending && takes_place(existing.as_ref()) {
        quota.admit()?;
    }
    if existing.is_none() && status == Status::Pending {
        admit_pending(machines::pending(tx, &org_id, &actor.user_id)?)?;
    }
    refuse_held_key(tx, &org_id, existing.as_ref(), candidate)?;
    let admission = Admission {
        actor: &actor.label,
        org_id: &org_id,
        auth_key_id: None,
        enrolled_by: Some(&actor.user_id),
        status,
        grant: Grant { ephemeral: false, tags: candidate.tags.clone() },
        limit: quota.limit,
        repeats,
    };
    store(tx, admission, existing.as_ref(), candidate, random, now)
}

/// Returns the attempt that registered the machine, if `candidate` repeats it: the same attempt, key pair and
/// credential, within [`REPETITION_WINDOW`], by a machine that has not logged out since. The agent repeats a registration
/// whose answer it did not receive, or could not store.
fn repeated(
    tx: &mut Tx<'_>,
    existing: Option<&Machine>,
    candidate: &Candidate,
    auth_key_id: Option<&str>,
    now: Timestamp,
) -> Result<Option<Attempt>, StoreError> {
    let (Some(machine), Some(attempt_hash)) = (existing, &candidate.attempt_hash) else { return Ok(None) };
    let same = machine.public_key == candidate.public_key && machine.auth_key_id.as_deref() == auth_key_id;
    if !same || !machine.logged_in {
        return Ok(None);
    }
    let first = machines::attempt(tx, &machine.id)?;
    let is_repeated = |first: &Attempt| first.hash == *attempt_hash && now < first.at.plus(REPETITION_WINDOW);
    Ok(first.filter(is_repeated))
}

fn load_key(tx: &mut Tx<'_>, auth_key: &str) -> Result<Option<KeyAndQuota>, StoreError> {
    material::auth_key_hash(auth_key).map_or(Ok(None), |hash| auth_keys::find(tx, &hash))
}

// A quarantined machine must not escape by registering again, under its name or with its key.
fn refuse_quarantined(tx: &mut Tx<'_>, org_id: &str, candidate: &Candidate) -> Result<(), ControlError> {
    match quarantines::binds(tx, org_id, &candidate.name, &candidate.public_key)? {
        true => Err(Refusal::Quarantined.into()),
        false => Ok(()),
    }
}

fn refuse_held_key(
    tx: &mut Tx<'_>,
    org_id: &str,
    existing: Option<&Machine>,
    candidate: &Candidate,
) -> Result<(), ControlError> {
    let holder = machines::id_by_public_key(tx, org_id, &candidate.public_key)?;
    match holder.is_some_and(|holder| existing.is_none_or(|machine| machine.id != holder)) {
        true => Err(Refusal::PublicKeyInUse.into()),
        false => Ok(()),
    }
}

// A member must not take over another user's machine by registering its name.
fn refuse_takeover(existing: Option<&Machine>, actor: &Actor) -> Result<(), Refusal> {
    match existing {
        Some(machine)
            if !actor.role.administers() && machine.enrolled_by.as_ref() != Some(&actor.user_id) =>
        {
            Err(Refusal::Forbidden("Another user's machine has this name; choose another name"))
        }
        _ => Ok(()),
    }
}

/// Returns the caller's organisation if there is exactly one.
fn only_organisation(tx: &mut Tx<'_>, caller: &Caller) -> Result<String, ControlError> {
    let user_id = match caller {
        Caller::ApiKey { org_id, .. } => return Ok(org_id.clone()),
        Caller::User { user_id, .. } => user_id,
    };
    let mut memberships = users::memberships(tx, user_id)?;
    match memberships.len() {
        1 => Ok(memberships.remove(0).org_id),
        _ => Err(Refusal::MissingField("org_id").into()),
    }
}

/// Whether an admitted machine takes a place of the organisation's quota that it did not have.
fn takes_place(existing: Option<&Machine>) -> bool {
    existing.is_none_or(|machine| machine.status == Status::Pending)
}

fn initial_status(actor: &Actor) -> Status {
    if actor.role.administers() { Status::Online } else { Status::Pending }
}

/// Stores a new or re-registered machine with its audit entry.
fn store(
    tx: &mut Tx<'_>,
    admission: Admission<'_>,
    existing: Option<&Machine>,
    candidate: &Candidate,
    random: &Draws<'_>,
    now: Timestamp,
) -> Result<Enrolled, ControlError> {
    let (id, tailnet_ip, created_at) = match existing {
        Some(machine) => (machine.id.clone(), machine.tailnet_ip.clone(), machine.created_at),
        None => {
            let limit = admission.limit;
            let address = addresses::take(tx, admission.org_id)?;
            let address = address.ok_or(Refusal::MachineLimitReached { limit })?;
            (random.id(now), address.to_string(), now)
        }
    };
    let machine = Machine {
        id,
        org_id: admission.org_id.to_owned(),
        name: existing.map_or(&candidate.name, |machine| &machine.name).clone(),
        tailnet_ip,
        status: admission.status,
        tags: admission.grant.tags,
        ephemeral: admission.grant.ephemeral,
        public_key: candidate.public_key.clone(),
        // The machine may have moved since its last registration.
        endpoints: Vec::new(),
        relay: None,
        logged_in: true,
        auth_key_id: admission.auth_key_id.map(str::to_owned),
        enrolled_by: admission.enrolled_by.map(str::to_owned),
        os: candidate.os.clone(),
        version: candidate.version.clone(),
        created_at,
        last_seen: now,
    };
    let first = admission.repeats.as_ref();
    let reregistered = first.map_or(existing.is_some(), |first| first.reregistered);
    let attempt = candidate.attempt_hash.clone().map(|hash| Attempt {
        hash,
        at: first.map_or(now, |first| first.at),
        reregistered,
    });
    let attempt = attempt.as_ref();
    let token = Material::machine_token(&machine.id, random.bytes()).ok_or_else(|| StoreError::Corrupt {
        column: "machines.id".to_owned(),
        reason: "not a UUID".to_owned(),
    })?;
    match existing {
        Some(before) => machines::replace(tx, before, &machine, &token.hash, attempt)?,
        None => machines::insert(tx, &machine, &token.hash, attempt).map_err(conflict_if_unique)?,
    }
    let entry = AuditEntry {
        org_id: &machine.org_id,
        actor: admission.actor,
        action: "register_machine",
        target: &machine.id,
        details: match first {
            None => json!({ "name": machine.name, "reregistered": reregistered }),
            Some(_) => json!({ "name": machine.name, "reregistered": reregistered, "repeated": true }),
        },
    };
    audit::record(tx, entry, random, now)?;
    Ok(Enrolled { machine, reregistered, token })
}

/// Another replica may have taken the name or the address in the meantime (`headless/ST4.5`).
fn conflict_if_unique(error: StoreError) -> ControlError {
    match error {
        StoreError::Unique { .. } => Refusal::RegistrationConflict.into(),
        other => other.into(),
    }
}
