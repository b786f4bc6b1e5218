//! Machines that go away by themselves.

use std::time::Duration;

use serde_json::{Value, json};

use crate::deviation::{Asked, Memory, Told};

use super::restore::{as_asked, delete};
use crate::deviation::{Deviation, Family, NONE, asking, both, telling};

/// Earlier than the documented 30 minutes.
const EARLY: Duration = Duration::from_secs(25 * 60);

pub(super) const ALL: Family = &[
    ("ephemeral-stays", both(|asked, _| instead(asked, false), flag_as_asked)),
    ("persistent-goes-too", both(|asked, _| instead(asked, true), flag_as_asked)),
    (
        "ephemeral-goes-while-online",
        asking(|asked, memory| {
            let holder = memory.registrations.iter().find(|known| Some(&known.token) == asked.token.as_ref());
            let key = holder.and_then(|holder| memory.key(&holder.key));
            let unheard = key.is_some_and(|key| key.told["ephemeral"] == true);
            (unheard && asked.path == "/api/heartbeat").then(|| Told::data(200, json!({})))
        }),
    ),
    (
        "ephemeral-goes-early",
        Deviation {
            later: |memory| {
                let silent = memory.registrations.iter().filter(|machine| memory.now >= machine.seen + EARLY);
                silent
                    .filter_map(|machine| memory.key(&machine.key).map(|issued| (issued, machine)))
                    .filter(|(issued, _)| issued.told["ephemeral"] == true)
                    .flat_map(|(issued, machine)| delete(memory, &issued.asked["org_id"], machine))
                    .collect()
            },
            ..NONE
        },
    ),
    (
        "ephemeral-not-answered",
        telling(|asked, told, _| {
            if asked.creates_auth_key() && told.is_success() {
                told.set("ephemeral", json!(false));
            }
        }),
    ),
];

fn instead(asked: &mut Asked, ephemeral: bool) -> Option<Told> {
    if asked.creates_auth_key() && matches!(asked.json["ephemeral"], Value::Bool(_) | Value::Null) {
        asked.set("ephemeral", json!(ephemeral));
    }
    None
}

fn flag_as_asked(asked: &Asked, told: &mut Told, memory: &mut Memory) {
    if asked.creates_auth_key() || asked.lists("auth_keys") {
        as_asked(asked, told, memory, "ephemeral", &json!(false));
    }
}
