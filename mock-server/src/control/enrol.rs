//! Lets a machine in: with an auth key, or with a session.
//!
//! One transaction loads the facts, lets the rules decide, claims the use and writes the machine; whatever
//! is refused leaves nothing behind.

use std::net::IpAddr;

use serde_json::json;

use super::access::{Actor, Caller, Permission, require};
use super::audit::{self, Deed};
use super::{Failure, Random};
use crate::domain::key::material::{self, Material};
use crate::domain::key::{self, Grant, Request};
use crate::domain::machine::Status;
use crate::domain::quota::Quota;
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::Machine;
use crate::store::{StoreError, Tx, addresses, auth_keys, machines, users};

/// A machine that asks to be let in, every field checked.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name, unique in the organisation.
    pub name: String,
    /// Its WireGuard public key, base64.
    pub public_key: String,
    /// Its operating system, as it says.
    pub os: Option<String>,
    /// Its agent's version, as it says.
    pub version: Option<String>,
    /// The tags it claims, normalised.
    pub tags: Vec<String>,
    /// Where it asks from.
    pub address: IpAddr,
}

/// A machine that was let in.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// The machine as it now is.
    pub machine: Machine,
    /// Whether the name existed before: it keeps its id and address (`headless/F.4`).
    pub reregistered: bool,
}

/// Who lets it in, and as what.
struct Admission<'a> {
    actor: &'a str,
    org_id: &'a str,
    auth_key_id: Option<&'a str>,
    enrolled_by: Option<&'a str>,
    status: Status,
    grant: Grant,
    limit: i64,
}

/// Enrols with an auth key: `POST /api/register-machine` (`headless/F.2`, `used-count/F.1`).
pub fn with_key(
    tx: &mut Tx<'_>,
    auth_key: &str,
    candidate: &Candidate,
    token: &Material,
    random: &Random,
    now: Timestamp,
) -> Result<Enrolled, Failure> {
    let (found, quota) = load_key(tx, auth_key)?.ok_or(Refusal::InvalidKey)?;
    let existing = machines::find_by_name(tx, &found.org_id, &candidate.name)?;
    let request = request(candidate, existing.as_ref(), quota);
    let grant = key::decide(Some(&found), &request, now)?;
    refuse_quarantined(existing.as_ref())?;
    if !auth_keys::claim(tx, &found.id, now)? {
        // Another replica was faster; the key as it is now says what the loser deserves.
        let lost = load_key(tx, auth_key)?;
        key::decide(lost.as_ref().map(|(key, _)| key), &request, now)?;
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
    };
    settle(tx, admission, existing.as_ref(), candidate, token, random, now)
}

/// Enrols with a session: an admin's machine is online at once, a member's waits for approval.
pub fn with_session(
    tx: &mut Tx<'_>,
    caller: &Caller,
    org_id: Option<&str>,
    candidate: &Candidate,
    token: &Material,
    random: &Random,
    now: Timestamp,
) -> Result<Enrolled, Failure> {
    let org_id = match org_id {
        Some(org_id) => org_id.to_owned(),
        None => only_organisation(tx, caller)?,
    };
    let actor = require(tx, caller, &org_id, Permission::Join, now)?;
    // Tags decide what a machine may reach: only an admin gives them without a key that does.
    if !actor.role.administers() && !candidate.tags.is_empty() {
        return Err(Refusal::TagNotAllowed { tags: candidate.tags.clone() }.into());
    }
    let existing = machines::find_by_name(tx, &org_id, &candidate.name)?;
    refuse_quarantined(existing.as_ref())?;
    refuse_strangers(existing.as_ref(), &actor)?;
    let quota = addresses::quota(tx, &org_id)?.ok_or(Refusal::NotFound("Organisation"))?;
    if existing.is_none() {
        quota.admit()?;
    }
    let admission = Admission {
        actor: &actor.label,
        org_id: &org_id,
        auth_key_id: None,
        enrolled_by: Some(&actor.user_id),
        status: status_for(&actor),
        grant: Grant { ephemeral: false, tags: candidate.tags.clone() },
        limit: quota.limit,
    };
    settle(tx, admission, existing.as_ref(), candidate, token, random, now)
}

fn load_key(tx: &mut Tx<'_>, auth_key: &str) -> Result<Option<(key::AuthKey, Quota)>, StoreError> {
    material::auth_key_hash(auth_key).map_or(Ok(None), |hash| auth_keys::find(tx, &hash))
}

fn request<'a>(candidate: &'a Candidate, existing: Option<&Machine>, quota: Quota) -> Request<'a> {
    let quota = existing.is_none().then_some(quota);
    Request { address: candidate.address, tags: &candidate.tags, quota }
}

// Registering again must not be a way out of quarantine.
fn refuse_quarantined(existing: Option<&Machine>) -> Result<(), Refusal> {
    match existing {
        Some(machine) if machine.status == Status::Quarantined => Err(Refusal::Quarantined),
        _ => Ok(()),
    }
}

// A name alone must not let a member cut off a machine that is not theirs.
fn refuse_strangers(existing: Option<&Machine>, actor: &Actor) -> Result<(), Refusal> {
    match existing {
        Some(machine)
            if !actor.role.administers() && machine.enrolled_by.as_ref() != Some(&actor.user_id) =>
        {
            Err(Refusal::Forbidden("A machine of this name exists and is not yours: choose another name"))
        }
        _ => Ok(()),
    }
}

fn only_organisation(tx: &mut Tx<'_>, caller: &Caller) -> Result<String, Failure> {
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

fn status_for(actor: &Actor) -> Status {
    if actor.role.administers() { Status::Online } else { Status::Pending }
}

/// Writes the machine, new or again, and what happened.
fn settle(
    tx: &mut Tx<'_>,
    admission: Admission<'_>,
    existing: Option<&Machine>,
    candidate: &Candidate,
    token: &Material,
    random: &Random,
    now: Timestamp,
) -> Result<Enrolled, Failure> {
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
        name: candidate.name.clone(),
        tailnet_ip,
        status: admission.status,
        tags: admission.grant.tags,
        ephemeral: admission.grant.ephemeral,
        public_key: candidate.public_key.clone(),
        // Whoever registers anew may be somewhere else.
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
    match existing {
        Some(before) => machines::replace(tx, before, &machine, &token.hash)?,
        None => machines::insert(tx, &machine, &token.hash).map_err(conflict)?,
    }
    let reregistered = existing.is_some();
    let deed = Deed {
        org_id: &machine.org_id,
        actor: admission.actor,
        action: "register_machine",
        target: &machine.id,
        details: json!({ "name": machine.name, "reregistered": reregistered }),
    };
    audit::record(tx, deed, random, now)?;
    Ok(Enrolled { machine, reregistered })
}

/// A name or an address that another replica took in the meantime (`headless/ST4.5`).
fn conflict(error: StoreError) -> Failure {
    match error {
        StoreError::Unique { .. } => Refusal::RegistrationConflict.into(),
        other => other.into(),
    }
}
