//! GET /api/db/…: filtered lists as bare arrays.

use serde_json::{Map, Value, json};

use super::issue::prefix;
use super::world::{Caller, SILENCE, World, moment};
use super::{Answer, Departure, Request};

/// Query parameters that are not filters.
const WORDS: [&str; 4] = ["select", "order", "limit", "offset"];

pub(super) fn list(world: &mut World, table: &str, request: &Request) -> Answer {
    let caller = match world.caller(request) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let scopes: &[&str] = match table {
        "auth_keys" => &["admin", "read", "machines"],
        "machines" => &["admin", "read", "machines", "machines:read"],
        _ => &["admin", "read"],
    };
    if !caller.has_one_of(scopes) && !world.departs(Departure::ScopesUnchecked) {
        return Answer::refusal(403, "SCOPE_MISSING", "This key may not see that");
    }
    let rows = match table {
        "auth_keys" => auth_keys(world, &caller),
        "api_keys" => api_keys(world, &caller),
        "machines" => machines(world, &caller),
        _ => return Answer::nothing_there(),
    };
    match narrowed(world, rows, request) {
        Ok(rows) => Answer::json(200, Value::Array(rows)),
        Err(operator) => Answer::refusal(422, "NO_SUCH_FILTER", &format!("`{operator}` is not understood")),
    }
}

pub(super) fn organisations(world: &mut World, request: &Request) -> Answer {
    match world.caller(request) {
        Ok(caller @ Caller::Person { .. }) => {
            let (org, role) = caller.membership();
            let row = json!({ "org_id": org, "role": role, "plan": "free", "members": 3 });
            Answer::json(200, json!([row]))
        }
        Ok(Caller::Program(_)) => Answer::refusal(403, "PEOPLE_ONLY", "A program has no organisations"),
        Err(refusal) => refusal,
    }
}

/// `column=eq.value` or `column=value`, the only filters in the documents.
fn narrowed(world: &World, mut rows: Vec<Value>, request: &Request) -> Result<Vec<Value>, String> {
    for (column, condition) in request.query.iter().filter(|(column, _)| !WORDS.contains(&column.as_str())) {
        let wanted = match condition.split_once('.') {
            Some(("eq", wanted)) => wanted,
            Some((operator, _))
                if ["neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is"].contains(&operator) =>
            {
                return Err(operator.to_owned());
            }
            _ => condition,
        };
        let ignored = match column.as_str() {
            "id" => world.departs(Departure::IdFilterIgnored),
            "revoked" => world.departs(Departure::RevokedFilterIgnored),
            _ => false,
        };
        rows.retain(|row| ignored || plain(&row[column]) == wanted);
    }
    let selected = request.parameter("select").filter(|columns| *columns != "*");
    if let Some(columns) = selected.filter(|_| !world.departs(Departure::SelectIgnored)) {
        let columns: Vec<&str> = columns.split(',').collect();
        for row in &mut rows {
            let Value::Object(fields) = row else { continue };
            let kept: Map<String, Value> = fields
                .iter()
                .filter(|(name, _)| columns.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            *fields = kept;
        }
    }
    Ok(rows)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn auth_keys(world: &World, caller: &Caller) -> Vec<Value> {
    let shown = world.departs(Departure::ListShowsKeys);
    let own = world.auth_keys.iter().filter(|key| caller.is_of(&key.org));
    own.map(|key| {
        let whole = format!("tskey-auth-{}", key.secret);
        json!({
            "id": key.id, "org_id": key.org, "name": key.name, "used_count": key.used, "reusable": key.reusable,
            "key_prefix": if shown { whole } else { prefix("tskey-auth-", &key.secret) },
            "ephemeral": key.ephemeral, "revoked": key.revoked, "allowed_tags": key.allowed_tags,
            "allowed_cidrs": key.allowed_cidrs, "expires_at": moment(key.expires), "created_at": moment(key.created),
            "colour": "green", "version": 7,
        })
    })
    .collect()
}

fn api_keys(world: &World, caller: &Caller) -> Vec<Value> {
    let own = world.api_keys.iter().filter(|key| caller.is_of(&key.org));
    own.map(|key| {
        json!({
            "id": key.id, "org_id": key.org, "name": key.name, "scopes": key.scopes, "rate_limit_rpm": key.rate,
            "key_prefix": key.prefix, "revoked": key.revoked,
            "usage_count": key.uses, "expires_at": moment(key.expires), "created_at": moment(key.created),
            "labels": {},
        })
    })
    .collect()
}

fn machines(world: &World, caller: &Caller) -> Vec<Value> {
    let now = world.now();
    let own = world.machines.iter().filter(|machine| caller.is_of(&machine.org));
    own.map(|machine| {
        let status = match (machine.quarantined, now - machine.seen < SILENCE) {
            (true, _) => "isolated",
            (false, true) => "online",
            (false, false) => "asleep",
        };
        json!({
            "id": machine.id, "org_id": machine.org, "name": machine.name, "status": status,
            "tailnet_ip": machine.address, "tags": machine.tags, "created_at": moment(machine.created),
            "kernel": null, "uptime": { "seconds": now - machine.created },
        })
    })
    .collect()
}
