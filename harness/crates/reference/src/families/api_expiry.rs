//! How long an API key lives.

use serde_json::{Value, json};

use crate::deviation::{Asked, Memory, Told};

use super::restore;
use crate::deviation::{Family, asking, both, telling};

pub(super) const ALL: Family = &[
    (
        "api-key-outlives-its-expiry",
        both(|asked, _| instead(asked, |days| days.is_none_or(in_bounds), Some(90)), as_asked),
    ),
    ("api-key-default-expiry-90", asking(|asked, _| instead(asked, |days| days.is_none(), Some(90)))),
    (
        "api-key-91-days-accepted",
        both(|asked, _| instead(asked, |days| days == Some(&json!(91)), Some(90)), as_asked),
    ),
    (
        "api-key-365-days-accepted",
        both(|asked, _| instead(asked, |days| days == Some(&json!(365)), Some(90)), as_asked),
    ),
    (
        "api-key-zero-days-accepted",
        both(|asked, _| instead(asked, |days| days == Some(&json!(0)), Some(1)), as_asked),
    ),
    (
        "api-key-permanent-if-null",
        both(
            |asked, memory| {
                if asked.creates_api_key() && asked.json.get("expiry_days") == Some(&Value::Null) {
                    memory.own.insert(asked.text("name").to_owned(), Value::Null);
                }
                instead(asked, |days| days == Some(&Value::Null), None)
            },
            |asked, told, memory| {
                if asked.creates_api_key() && told.is_success() && memory.own.contains_key(asked.text("name")) {
                    told.json["data"]["expiry_days"] = Value::Null;
                }
            },
        ),
    ),
    (
        "api-key-90-days-refused",
        asking(|asked, _| {
            let longest = asked.creates_api_key() && asked.json["expiry_days"] == 90;
            longest.then(|| Told::refusal(400, "INVALID_INPUT", "expiry_days must be between 1 and 89"))
        }),
    ),
    (
        "api-key-expiry-refused-in-other-words",
        telling(|asked, told, _| {
            if asked.creates_api_key() && told.refuses("INVALID_INPUT") {
                told.json["error"]["message"] = json!("expiry_days is out of range");
            }
        }),
    ),
];

fn in_bounds(days: &Value) -> bool {
    days.as_u64().is_some_and(|days| (1..=90).contains(&days))
}

/// Asks for another expiry than these, or for none.
fn instead(asked: &mut Asked, of: fn(Option<&Value>) -> bool, days: Option<u64>) -> Option<Told> {
    if asked.creates_api_key() && of(asked.json.get("expiry_days")) {
        match days {
            Some(days) => asked.set("expiry_days", json!(days)),
            None => asked.take("expiry_days"),
        }
    }
    None
}

/// Shows the expiry that was asked for.
fn as_asked(asked: &Asked, told: &mut Told, memory: &mut Memory) {
    if asked.creates_api_key() {
        restore::as_asked(asked, told, memory, "expiry_days", &json!(30));
    }
}
