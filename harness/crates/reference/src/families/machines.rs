//! Machines once they are in: their status, their quota, their end.

use std::collections::BTreeSet;

use serde_json::json;

use crate::deviation::Told;

use super::restore::{does_nothing, pretended_registration};
use crate::deviation::{Family, asking, telling};

pub(super) const ALL: Family = &[
    (
        "machine-pending-at-first",
        telling(|asked, told, _| {
            if asked.lists("machines") {
                told.each("status", |status| {
                    if *status == "online" {
                        *status = json!("pending");
                    }
                });
            }
        }),
    ),
    (
        "quota-ignored",
        telling(|asked, told, _| {
            if told.refuses("MACHINE_LIMIT_REACHED") {
                *told = pretended_registration(asked);
            }
        }),
    ),
    (
        "quota-counts-reregistrations",
        asking(|asked, memory| {
            let key = asked.text("auth_key");
            let names: BTreeSet<_> = memory.enrolled_with(key).map(|machine| &machine.name).collect();
            // The other organisation of the fixture may have three machines.
            let full = names.len() == 3 && names.iter().any(|name| asked.json["name"] == **name);
            full.then(|| {
                Told::refusal(403, "MACHINE_LIMIT_REACHED", "The organisation has reached its limit")
            })
        }),
    ),
    ("quarantine-ignored", asking(|asked, _| does_nothing(asked, "quarantine"))),
    ("deletion-ignored", asking(|asked, _| does_nothing(asked, "delete"))),
    (
        "credential-outlives-its-machine",
        asking(|asked, memory| {
            let holder = memory.registrations.iter().find(|known| Some(&known.token) == asked.token.as_ref());
            let gone = holder.is_some_and(|machine| memory.deleted.contains(&machine.id));
            (gone && asked.path == "/api/heartbeat").then(|| Told::data(200, json!({})))
        }),
    ),
    (
        "installer-missing",
        asking(|asked, _| {
            (asked.path == "/install.sh").then(|| Told::refusal(404, "NOT_FOUND", "Endpoint not found"))
        }),
    ),
];
