//! The networks that a machine may register from.

use serde_json::{Value, json};

use crate::deviation::{Asked, Memory, Told};

use crate::deviation::{Deviation, Family, NONE, asking, both, telling};

pub(super) const ALL: Family = &[
    ("cidrs-ignored", both(|asked, _| instead(asked, |_| Value::Null), as_asked)),
    (
        "cidrs-only-first",
        both(|asked, _| instead(asked, |cidrs| cidrs.iter().take(1).cloned().collect()), as_asked),
    ),
    (
        "cidrs-without-their-length",
        both(
            |asked, _| {
                instead(asked, |cidrs| {
                    let widened =
                        |cidr: &Value| json!(cidr.as_str().unwrap_or_default().replace("/32", "/8"));
                    // The reference wants no bits behind the length.
                    cidrs
                        .iter()
                        .map(|cidr| {
                            json!(
                                widened(cidr)
                                    .as_str()
                                    .unwrap_or_default()
                                    .replace("127.0.0.1/", "127.0.0.0/")
                            )
                        })
                        .collect()
                })
            },
            as_asked,
        ),
    ),
    (
        "mapped-cidrs-let-everybody-in",
        both(
            |asked, _| {
                instead(asked, |cidrs| {
                    let mapped =
                        |cidr: &&Value| cidr.as_str().is_some_and(|cidr| cidr.starts_with("::ffff:"));
                    match cidrs.iter().any(|cidr| mapped(&cidr)) {
                        true => json!(["0.0.0.0/0", "::/0"]),
                        false => cidrs.iter().cloned().collect(),
                    }
                })
            },
            as_asked,
        ),
    ),
    (
        "empty-cidrs-kept",
        telling(|asked, told, _| {
            if asked.json["allowed_cidrs"] == json!([]) {
                told.set("allowed_cidrs", json!([]));
            }
        }),
    ),
    (
        "empty-cidrs-let-nobody-in",
        asking(|asked, memory| {
            let none =
                memory.key(asked.text("auth_key")).is_some_and(|key| key.asked["allowed_cidrs"] == json!([]));
            (asked.registers() && none)
                .then(|| Told::refusal(403, "IP_NOT_ALLOWED", "The auth key does not allow this address"))
        }),
    ),
    (
        "cidrs-not-answered",
        telling(|_, told, _| {
            if told.status == 201 && told.json["data"]["allowed_cidrs"].is_array() {
                told.set("allowed_cidrs", Value::Null);
            }
        }),
    ),
    ("forwarded-for-believed", Deviation { trusts_every_proxy: true, ..NONE }),
];

/// Asks for other networks, if networks are asked for.
fn instead(asked: &mut Asked, other: fn(&[Value]) -> Value) -> Option<Told> {
    let cidrs = asked.json["allowed_cidrs"].as_array().filter(|_| asked.creates_auth_key())?;
    let is_cidr =
        |cidr: &Value| cidr.as_str().is_some_and(|cidr| cidr.contains('/') && !cidr.contains("/33"));
    if !cidrs.is_empty() && cidrs.iter().all(is_cidr) {
        let other = other(cidrs);
        asked.set("allowed_cidrs", other);
    }
    None
}

fn as_asked(asked: &Asked, told: &mut Told, memory: &mut Memory) {
    if asked.json["allowed_cidrs"] != json!([]) {
        super::restore::as_asked(asked, told, memory, "allowed_cidrs", &Value::Null);
    }
}
