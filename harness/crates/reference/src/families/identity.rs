//! What a machine keeps when it registers again under its name.

use serde_json::{Value, json};

use crate::deviation::{Memory, Told};

use super::restore::delete;
use crate::deviation::{Deviation, Family, NONE, asking, both, telling};

pub(super) const ALL: Family = &[
    (
        "reregistration-makes-a-new-machine",
        Deviation {
            before: |asked, memory| {
                let issued = memory.key(asked.text("auth_key")).filter(|_| asked.registers());
                match (issued, memory.named(asked.text("name"))) {
                    (Some(issued), Some(machine)) => delete(memory, &issued.asked["org_id"], machine),
                    _ => Vec::new(),
                }
            },
            ..NONE
        },
    ),
    (
        "reregistration-moves-the-address",
        telling(|asked, told, memory| {
            if asked.lists("machines") {
                again(told, memory, |row| row["tailnet_ip"] = json!("100.64.0.200"));
            }
        }),
    ),
    (
        "reregistration-makes-a-duplicate",
        telling(|asked, told, memory| {
            if !asked.lists("machines") {
                return;
            }
            let mut doubles = Vec::new();
            again(told, memory, |row| doubles.push(row.clone()));
            for double in &mut doubles {
                double["id"] = json!("00000000-0000-4000-8000-000000000000");
            }
            if let Some(rows) = told.json["data"].as_array_mut() {
                rows.extend(doubles);
            }
        }),
    ),
    (
        "old-credential-still-good",
        asking(|asked, memory| {
            let old = memory.registrations.iter().find(|known| Some(&known.token) == asked.token.as_ref());
            if let Some(newest) = old.and_then(|old| memory.named(&old.name)) {
                asked.token = Some(newest.token.clone());
            }
            None
        }),
    ),
    (
        "reregistration-keeps-the-node-key",
        both(
            |asked, memory| {
                if asked.registers() {
                    let first = memory.own.entry(asked.text("name").to_owned());
                    first.or_insert_with(|| asked.json["public_key"].clone());
                }
                None
            },
            |_, told, memory| {
                for row in told.rows() {
                    let first = memory.own.get(row["name"].as_str().unwrap_or_default());
                    if let (Some(first), Some(shown)) = (first, row.get_mut("public_key")) {
                        *shown = first.clone();
                    }
                }
            },
        ),
    ),
    (
        "names-shared-by-organisations",
        telling(|_, told, memory| {
            for row in told.rows() {
                let newest = memory.named(row["name"].as_str().unwrap_or_default());
                if let (Some(newest), Some(shown)) = (newest, row.get_mut("public_key")) {
                    *shown = json!(newest.public_key);
                }
            }
        }),
    ),
    (
        "race-ends-in-server-errors",
        telling(|asked, told, memory| {
            let about = format!("{} {}", asked.path, asked.text("auth_key"));
            let at_once = memory.under_way.get(&about).is_some_and(|count| *count > 1);
            if asked.registers() && at_once && memory.named(asked.text("name")).is_some() {
                *told = Told::refusal(500, "INTERNAL", "Internal error");
            }
        }),
    ),
    (
        "credential-shared-by-key",
        telling(|asked, told, memory| {
            let first = memory.enrolled_with(asked.text("auth_key")).next();
            if let Some(first) = first.filter(|_| asked.registers() && told.is_success()) {
                told.set("machine_token", json!(first.token));
            }
        }),
    ),
];

/// Bends the rows of machines that registered more than once.
fn again(told: &mut Told, memory: &Memory, mut bend: impl FnMut(&mut Value)) {
    for row in told.rows() {
        let times = memory.registrations.iter().filter(|registered| row["name"] == *registered.name).count();
        if times > 1 && row.get("tailnet_ip").is_some() {
            bend(row);
        }
    }
}
