//! Registered machines: their status, their quota, their removal.

use std::collections::BTreeSet;

use serde_json::json;

use crate::deviation::{Family, ProxyResponse, on_request, on_response};

use super::shared::{pretend_success, pretended_registration};

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
];
