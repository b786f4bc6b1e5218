//! How long an auth key enrols.

use serde_json::{Value, json};

use crate::deviation::{Asked, Told};

use super::restore::{as_asked, delete};
use crate::deviation::{Deviation, Family, NONE, asking, both, telling};

const DAY: u64 = 86_400;

pub(super) const ALL: Family = &[
    (
        "expiry-unheeded",
        both(
            |asked, _| {
                if asked.creates_auth_key() && is_valid(asked) {
                    asked.take("expires_in");
                    asked.set("expiry_days", json!(365));
                }
                None
            },
            days_as_asked,
        ),
    ),
    (
        "expiry-default-30",
        asking(|asked, _| {
            if asked.creates_auth_key() && asked.json["expires_in"].is_null() && !has_days(asked) {
                asked.set("expiry_days", json!(30));
            }
            None
        }),
    ),
    ("expiry-zero-accepted", both(|asked, _| instead(asked, |days| *days == json!(0), 1), days_as_asked)),
    ("expiry-366-accepted", both(|asked, _| instead(asked, |days| *days == json!(366), 365), days_as_asked)),
    (
        "expiry-unbounded",
        both(
            |asked, _| instead(asked, |days| days.as_u64().is_some_and(|days| days > 365), 365),
            days_as_asked,
        ),
    ),
    (
        "expiry-fraction-accepted",
        both(
            |asked, _| instead(asked, |days| days.is_f64() && days.as_f64() < Some(366.0), 1),
            days_as_asked,
        ),
    ),
    ("expiry-text-accepted", both(|asked, _| instead(asked, |days| *days == json!("7"), 7), days_as_asked)),
    (
        "expiry-365-refused",
        asking(|asked, _| {
            let longest = asked.creates_auth_key() && asked.json["expiry_days"] == 365;
            longest.then(|| {
                Told::refusal(400, "INVALID_INPUT", "expiry_days must be an integer between 1 and 365")
            })
        }),
    ),
    (
        "expiry-refused-in-other-words",
        telling(|asked, told, _| {
            if asked.creates_key() && told.refuses("INVALID_INPUT") {
                told.json["error"]["message"] = json!("expiry_days is out of range");
            }
        }),
    ),
    (
        "expiry-day-short",
        both(
            |asked, _| {
                if !asked.creates_auth_key() || !is_valid(asked) || !asked.json["expires_in"].is_null() {
                    return None;
                }
                match asked.json["expiry_days"].as_u64().unwrap_or(90) {
                    1 => {
                        asked.take("expiry_days");
                        asked.set("expires_in", json!(DAY / 2));
                    }
                    days => asked.set("expiry_days", json!(days - 1)),
                }
                None
            },
            days_as_asked,
        ),
    ),
    (
        "machines-die-with-their-key",
        Deviation {
            later: |memory| {
                let over = memory.keys.iter().filter(|issued| memory.now >= issued.ends);
                let theirs = over.flat_map(|issued| {
                    memory.enrolled_with(&issued.key).map(|machine| (&issued.asked["org_id"], machine))
                });
                theirs.flat_map(|(org_id, machine)| delete(memory, org_id, machine)).collect()
            },
            ..NONE
        },
    ),
    (
        "expires-in-unbounded",
        asking(|asked, _| {
            let seconds = asked.json["expires_in"].as_i64().filter(|_| asked.creates_auth_key())?;
            asked.set("expires_in", json!(seconds.clamp(300, 2_592_000)));
            None
        }),
    ),
    (
        "expires-in-ignored",
        asking(|asked, _| {
            if asked.creates_auth_key() {
                asked.take("expires_in");
            }
            None
        }),
    ),
    (
        "expires-in-300-refused",
        asking(|asked, _| {
            let shortest = asked.creates_auth_key() && asked.json["expires_in"] == 300;
            shortest.then(|| Told::refusal(400, "INVALID_INPUT", "expires_in is too short"))
        }),
    ),
];

fn has_days(asked: &Asked) -> bool {
    asked.json.get("expiry_days").is_some()
}

/// Whether the reference would take its expiry.
fn is_valid(asked: &Asked) -> bool {
    match (asked.json.get("expiry_days"), asked.json.get("expires_in")) {
        (None, None) => true,
        (Some(days), None) => days.as_u64().is_some_and(|days| (1..=365).contains(&days)),
        (None, Some(seconds)) => seconds.as_u64().is_some_and(|seconds| (300..=30 * DAY).contains(&seconds)),
        (Some(_), Some(_)) => false,
    }
}

/// Asks for another expiry than these.
fn instead(asked: &mut Asked, of: fn(&Value) -> bool, days: u64) -> Option<Told> {
    if asked.creates_auth_key() && of(&asked.json["expiry_days"]) {
        asked.set("expiry_days", json!(days));
    }
    None
}

/// Shows the expiry that was asked for.
fn days_as_asked(asked: &Asked, told: &mut Told, memory: &mut crate::deviation::Memory) {
    if asked.creates_auth_key() && asked.json["expires_in"].is_null() {
        as_asked(asked, told, memory, "expiry_days", &json!(90));
    }
}
