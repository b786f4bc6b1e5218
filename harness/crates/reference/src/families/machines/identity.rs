//! What a machine keeps when it registers again under its name.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::deviation::{
    Deviation, Family, ProxyRequest, ProxyResponse, ProxyState, UNCHANGED, on_both, on_request, on_response,
};

use crate::families::shared::delete_machine;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) const ALL: Family = &[
    (
        "reregistration-makes-a-new-machine",
        Deviation {
            send_before: |request, state| {
                let issued = state.key(request.text("auth_key")).filter(|_| request.registers());
                match (issued, state.registration_named(request.text("name"))) {
                    (Some(issued), Some(machine)) => delete_machine(state, &issued.org_id, machine),
                    _ => Vec::new(),
                }
            },
            ..UNCHANGED
        },
    ),
    (
        "reregistration-moves-the-address",
        on_response(|request, response, state| {
            if request.lists("machines") {
                each_reregistered(response, state, |row| row["tailnet_ip"] = json!("100.64.0.200"));
            }
        }),
    ),
    (
        "reregistration-makes-a-duplicate",
        on_response(|request, response, state| {
            if !request.lists("machines") {
                return;
            }
            let mut duplicates = Vec::new();
            each_reregistered(response, state, |row| duplicates.push(row.clone()));
            for duplicate in &mut duplicates {
                duplicate["id"] = json!("00000000-0000-4000-8000-000000000000");
            }
            if let Some(rows) = response.json["data"].as_array_mut() {
                rows.extend(duplicates);
            }
        }),
    ),
    (
        "old-credential-still-good",
        on_request(|request, state| {
            let newest = state.sender(request).and_then(|sender| state.registration_named(&sender.name));
            if let Some(newest) = newest {
                request.token = Some(newest.token.clone());
            }
            None
        }),
    ),
    (
        "reregistration-keeps-the-node-key",
        on_both(
            |request, state| {
                if request.registers() {
                    let first = state.notes.entry(request.text("name").to_owned());
                    first.or_insert_with(|| request.json["public_key"].clone());
                }
                None
            },
            |_, response, state| {
                for row in response.rows() {
                    let first = state.notes.get(row["name"].as_str().unwrap_or_default());
                    if let (Some(first), Some(shown)) = (first, row.get_mut("public_key")) {
                        *shown = first.clone();
                    }
                }
            },
        ),
    ),
    (
        "names-shared-by-organisations",
        on_response(|_, response, state| {
            for row in response.rows() {
                let newest = state.registration_named(row["name"].as_str().unwrap_or_default());
                if let (Some(newest), Some(shown)) = (newest, row.get_mut("public_key")) {
                    *shown = json!(newest.public_key);
                }
            }
        }),
    ),
    (
        "race-ends-in-server-errors",
        on_response(|request, response, state| {
            if loses_a_race(request, state) {
                *response = ProxyResponse::refusal(500, "INTERNAL", "Internal error");
            }
        }),
    ),
    (
        "credential-shared-by-key",
        on_response(|request, response, state| {
            let first = state.registrations_with(request.text("auth_key")).next();
            if let Some(first) = first.filter(|_| request.registers() && response.is_success()) {
                response.set("machine_token", json!(first.token));
            }
        }),
    ),
    (
        "another-key-makes-a-new-machine",
        on_response(|request, response, state| {
            if !request.lists("machines") {
                return;
            }
            let mut others = Vec::new();
            each_with_other_key(response, state, |row| others.push(row.clone()));
            for other in &mut others {
                other["id"] = json!("00000000-0000-4000-8000-000000000000");
                other["tailnet_ip"] = json!("100.64.0.201");
            }
            if let Some(rows) = response.json["data"].as_array_mut() {
                rows.extend(others);
            }
        }),
    ),
    (
        "another-key-moves-the-address",
        on_response(|request, response, state| {
            if request.lists("machines") {
                each_with_other_key(response, state, |row| row["tailnet_ip"] = json!("100.64.0.202"));
            }
        }),
    ),
    (
        "another-key-awaits-approval",
        on_response(|request, response, state| {
            if request.lists("machines") {
                each_with_other_key(response, state, |row| row["status"] = json!("pending"));
            }
        }),
    ),
    (
        "machines-share-an-address",
        on_response(|request, response, _| {
            if request.lists("machines") {
                response.each("tailnet_ip", |address| *address = json!("100.64.0.203"));
            }
        }),
    ),
    (
        "race-ends-in-another-conflict",
        Deviation {
            registration_delay: Duration::from_millis(250),
            ..on_response(|request, response, state| {
                if loses_a_race(request, state) {
                    *response = ProxyResponse::refusal(409, "CONFLICT", "The machine is being changed");
                }
            })
        },
    ),
    (
        "address-given-up-after-a-day",
        on_response(|request, response, state| {
            if !request.lists("machines") {
                return;
            }
            for row in response.rows().filter(|row| row.get("tailnet_ip").is_some()) {
                let times: Vec<Duration> = state
                    .registrations
                    .iter()
                    .filter(|known| row["name"] == *known.name)
                    .map(|known| known.last_seen)
                    .collect();
                if times.is_sorted_by(|earlier, later| *later < *earlier + DAY) {
                    continue;
                }
                row["tailnet_ip"] = json!("100.64.0.204");
            }
        }),
    ),
];

/// Changes the rows of machines that registered more than once.
fn each_reregistered(response: &mut ProxyResponse, state: &ProxyState, mut change: impl FnMut(&mut Value)) {
    for row in response.rows() {
        let times =
            state.registrations.iter().filter(|registration| row["name"] == *registration.name).count();
        if times > 1 && row.get("tailnet_ip").is_some() {
            change(row);
        }
    }
}

/// Changes the rows of machines that registered with more than one key.
fn each_with_other_key(response: &mut ProxyResponse, state: &ProxyState, mut change: impl FnMut(&mut Value)) {
    for row in response.rows() {
        let named = state.registrations.iter().filter(|registration| row["name"] == *registration.name);
        let keys: BTreeSet<&str> = named.map(|registration| registration.key.as_str()).collect();
        if keys.len() > 1 && row.get("tailnet_ip").is_some() {
            change(row);
        }
    }
}

/// Whether others registered the name before this request, and more are still on their way. The second registration of a
/// name succeeds, and may be the first of a race.
fn loses_a_race(request: &ProxyRequest, state: &ProxyState) -> bool {
    let named = state.registrations.iter().filter(|known| request.json["name"] == *known.name);
    request.registers() && state.is_contended(request) && named.count() > 2
}
