//! Keys that are good once, and keys that are good often.

use std::time::Duration;

use serde_json::json;

use crate::deviation::{Asked, Memory, Told};

use super::restore::as_asked;
use crate::deviation::{Deviation, Family, NONE, asking, both, telling};

pub(super) const ALL: Family = &[
    ("reuse-allowed", LENIENT),
    (
        // The use is looked up first and claimed later, so that contestants of a race all find none.
        "reuse-under-concurrency",
        Deviation {
            ask: |asked, memory| {
                if let Some(refused) = used_up(asked, memory, |_| true) {
                    return Some(refused);
                }
                (LENIENT.ask)(asked, memory)
            },
            pause: Duration::from_millis(250),
            ..LENIENT
        },
    ),
    (
        "reuse-rearmed-by-deletion",
        Deviation {
            ask: |asked, memory| {
                let deleted = memory.deleted.clone();
                if let Some(refused) = used_up(asked, memory, |id| !deleted.contains(id)) {
                    return Some(refused);
                }
                (LENIENT.ask)(asked, memory)
            },
            ..LENIENT
        },
    ),
    (
        "key-used-before-expired",
        telling(|asked, told, memory| {
            let key = asked.text("auth_key");
            if told.refuses("INVALID_KEY") && memory.uses(key) > 0 && is_single_use(memory, key) {
                told.json["error"] = json!({ "code": "KEY_USED", "message": "Auth key already used" });
            }
        }),
    ),
    (
        "key-used-is-forbidden",
        telling(|_, told, _| {
            if told.refuses("KEY_USED") {
                told.status = 403;
            }
        }),
    ),
    ("key-used-as-invalid-key", telling(|_, told, _| instead_of_key_used(told, "code", "INVALID_KEY"))),
    (
        "key-used-with-other-words",
        telling(|_, told, _| instead_of_key_used(told, "message", "Key was redeemed")),
    ),
    ("key-used-with-other-code", telling(|_, told, _| instead_of_key_used(told, "code", "ALREADY_REDEEMED"))),
    (
        "single-use-never-works",
        asking(|asked, memory| {
            (asked.registers() && is_single_use(memory, asked.text("auth_key"))).then(refusal)
        }),
    ),
    (
        "reusable-by-default",
        asking(|asked, _| {
            if asked.creates_auth_key() && asked.json["reusable"].is_null() {
                asked.set("reusable", json!(true));
            }
            None
        }),
    ),
    (
        "reusable-good-once",
        both(
            |asked, _| {
                if asked.creates_auth_key() && asked.json["reusable"] == true {
                    asked.set("reusable", json!(false));
                }
                None
            },
            |asked, told, memory| as_asked(asked, told, memory, "reusable", &json!(false)),
        ),
    ),
];

/// Every key is made reusable, and shown as it was asked for.
const LENIENT: Deviation = Deviation {
    ask: |asked, _| {
        if asked.creates_auth_key() && [json!(null), json!(false)].contains(&asked.json["reusable"]) {
            asked.set("reusable", json!(true));
        }
        None
    },
    tell: |asked, told, memory| {
        if asked.creates_auth_key() || asked.lists("auth_keys") {
            as_asked(asked, told, memory, "reusable", &json!(false));
        }
    },
    ..NONE
};

/// What the reference would say of a key that a machine is still there of.
fn used_up(asked: &Asked, memory: &Memory, counts: impl Fn(&String) -> bool) -> Option<Told> {
    let issued = memory.key(asked.text("auth_key")).filter(|_| asked.registers())?;
    let single = issued.asked["reusable"] != true;
    let valid = !issued.revoked && memory.now < issued.ends;
    let used = memory.enrolled_with(&issued.key).any(|registered| counts(&registered.id));
    (single && valid && used).then(refusal)
}

fn is_single_use(memory: &Memory, key: &str) -> bool {
    memory.key(key).is_some_and(|issued| issued.told["reusable"] == false)
}

fn refusal() -> Told {
    Told::refusal(401, "KEY_USED", "Auth key already used")
}

fn instead_of_key_used(told: &mut Told, field: &str, text: &str) {
    if told.refuses("KEY_USED") {
        told.json["error"][field] = json!(text);
    }
}
