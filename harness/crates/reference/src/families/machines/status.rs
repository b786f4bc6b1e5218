//! Registered machines: their status, their quota, their removal.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::deviation::{
    Deviation, Family, ProxyRequest, ProxyResponse, UNCHANGED, on_both, on_request, on_response,
};

use crate::families::shared::{delete_machine, pretend_success, pretended_registration};

const MONTH: Duration = Duration::from_secs(30 * 86_400);

pub(super) const ALL: Family = &[
    (
        "machine-pending-at-first",
        on_response(|request, response, _| {
            if request.lists("machines") {
                response.each("status", |status| {
                    if *status == "online" {
                        *status = json!("pending");
                    }
                });
            }
        }),
    ),
    (
        "quota-ignored",
        on_response(|request, response, _| {
            if response.refuses("MACHINE_LIMIT_REACHED") {
                *response = pretended_registration(request);
            }
        }),
    ),
    (
        "quota-counts-reregistrations",
        on_request(|request, state| {
            let key = request.text("auth_key");
            let names: BTreeSet<_> = state.registrations_with(key).map(|machine| &machine.name).collect();
            // The other organisation of the fixture may have three machines.
            let full = names.len() == 3 && names.iter().any(|name| request.json["name"] == **name);
            full.then(|| {
                ProxyResponse::refusal(403, "MACHINE_LIMIT_REACHED", "The organisation has reached its limit")
            })
        }),
    ),
    ("quarantine-ignored", on_request(|request, _| pretend_success(request, "quarantine"))),
    ("deletion-ignored", on_request(|request, _| pretend_success(request, "delete"))),
    (
        "credential-outlives-its-machine",
        on_request(|request, state| {
            let is_deleted = state
                .sender(request)
                .is_some_and(|sender| state.deleted_machines.contains(&sender.machine_id));
            (is_deleted && request.path == "/api/heartbeat").then(|| ProxyResponse::data(200, json!({})))
        }),
    ),
    (
        "installer-missing",
        on_request(|request, _| {
            (request.path == "/install.sh")
                .then(|| ProxyResponse::refusal(404, "NOT_FOUND", "Endpoint not found"))
        }),
    ),
    (
        "reregistered-stays-offline",
        on_response(|request, response, state| {
            if !request.lists("machines") {
                return;
            }
            for row in response.rows() {
                let times = state.registrations.iter().filter(|machine| row["name"] == *machine.name).count();
                if times > 1 && row["status"] == "online" {
                    row["status"] = json!("offline");
                }
            }
        }),
    ),
    (
        "offline-until-the-first-heartbeat",
        on_response(|request, response, state| {
            show_offline(request, response, |name| {
                state.registration_named(name).is_some_and(|machine| !machine.has_heartbeat)
            });
        }),
    ),
    (
        "stays-offline-after-a-stop",
        on_both(
            |request, state| {
                let sender = state.sender(request).map(|sender| sender.name.clone());
                if let Some(name) = sender.filter(|_| request.json["status"] == "offline") {
                    state.marks.insert(name);
                }
                if request.registers() {
                    state.marks.remove(request.text("name"));
                }
                None
            },
            |request, response, state| show_offline(request, response, |name| state.marks.contains(name)),
        ),
    ),
    (
        "machines-of-sessions-not-listed",
        on_response(|request, response, state| {
            if request.lists("machines") {
                response.retain(|row| {
                    state.registration_named(row["name"].as_str().unwrap_or_default()).is_some()
                });
            }
        }),
    ),
    (
        "administration-hits-the-first-machine",
        on_request(|request, state| {
            if request.path == "/api/machine-admin"
                && let Some(first) = state.registrations.first()
            {
                request.set("machine_id", json!(first.machine_id));
            }
            None
        }),
    ),
    (
        "quarantine-hits-all-machines-of-a-key",
        Deviation {
            send_after: |request, response, state| {
                let machine = state
                    .registrations
                    .iter()
                    .find(|machine| request.json["machine_id"] == *machine.machine_id);
                let quarantines = request.asks_for("quarantine") && response.is_success();
                let Some(machine) = machine.filter(|_| quarantines) else { return Vec::new() };
                let others = state.registrations_with(&machine.key);
                others
                    .map(|other| {
                        let mut again = request.clone();
                        again.set("machine_id", json!(other.machine_id));
                        again
                    })
                    .collect()
            },
            ..UNCHANGED
        },
    ),
    (
        "deletion-only-hides",
        on_both(
            |request, state| {
                let done = pretend_success(request, "delete")?;
                state.marks.insert(request.text("machine_id").to_owned());
                Some(done)
            },
            |request, response, state| {
                if request.lists("machines") {
                    response.retain(|row| !state.marks.contains(row["id"].as_str().unwrap_or_default()));
                }
            },
        ),
    ),
    (
        "machines-forgotten-after-a-month",
        Deviation {
            on_clock_advance: |state| {
                let forgotten =
                    state.registrations.iter().filter(|machine| state.now >= machine.last_seen + MONTH);
                let keys =
                    forgotten.filter_map(|machine| state.key(&machine.key).map(|issued| (issued, machine)));
                keys.flat_map(|(issued, machine)| delete_machine(state, &issued.org_id, machine)).collect()
            },
            ..UNCHANGED
        },
    ),
    (
        "quota-of-each-key",
        on_response(|request, response, state| {
            let key = request.text("auth_key");
            let names: BTreeSet<_> = state.registrations_with(key).map(|machine| &machine.name).collect();
            if response.refuses("MACHINE_LIMIT_REACHED") && names.len() < 3 {
                *response = pretended_registration(request);
            }
        }),
    ),
];

/// Shows machines that are online as offline if `applies` to their name.
fn show_offline(request: &ProxyRequest, response: &mut ProxyResponse, applies: impl Fn(&str) -> bool) {
    if !request.lists("machines") {
        return;
    }
    for row in response.rows() {
        if row["status"] == "online" && applies(row["name"].as_str().unwrap_or_default()) {
            row["status"] = json!("offline");
        }
    }
}
