//! API keys: scopes, rate limits, revocation, and what they are good for.

use serde_json::{Value, json};

use crate::deviation::{Asked, Told};

use super::restore::{as_asked, does_nothing};
use crate::deviation::{Deviation, Family, NONE, asking, both, telling};

const SCOPES: [&str; 8] = ["read", "write", "admin", "machines", "dns", "acl", "billing", "audit"];

pub(super) const ALL: Family = &[
    (
        "scopes-unheeded",
        asking(|asked, _| {
            if asked.creates_api_key() && has_known_scopes(asked) {
                asked.take("scopes");
            }
            None
        }),
    ),
    (
        "unknown-scope-accepted",
        asking(|asked, _| {
            if let Some(scopes) = asked.json.get_mut("scopes").and_then(Value::as_array_mut) {
                scopes.retain(|scope| !scope.is_string() || SCOPES.iter().any(|known| scope == known));
                if scopes.is_empty() {
                    asked.take("scopes");
                }
            }
            None
        }),
    ),
    (
        "unknown-scope-stored-then-refused",
        Deviation {
            after: |asked, told, _| {
                if !told.refuses("INVALID_SCOPES") {
                    return Vec::new();
                }
                let mut again = asked.clone();
                again.take("scopes");
                vec![again]
            },
            ..NONE
        },
    ),
    (
        "unknown-scope-refused-in-other-words",
        telling(|_, told, _| {
            if told.refuses("INVALID_SCOPES") {
                told.json["error"]["message"] = json!("Invalid scopes");
            }
        }),
    ),
    (
        "scope-billing-missing",
        asking(|asked, _| {
            let wanted =
                asked.json["scopes"].as_array().is_some_and(|scopes| scopes.contains(&json!("billing")));
            wanted.then(|| Told::refusal(400, "INVALID_SCOPES", "Invalid scopes: billing"))
        }),
    ),
    ("rate-stored-as-60", telling(|_, told, _| told.each("rate_limit_rpm", |rate| *rate = json!(60)))),
    (
        "rate-not-enforced",
        both(
            |asked, _| {
                if asked.creates_api_key()
                    && asked.json["rate_limit_rpm"].as_u64().is_some_and(|rate| rate > 0)
                {
                    asked.set("rate_limit_rpm", json!(1_000_000));
                }
                None
            },
            |asked, told, memory| {
                if asked.lists("api_keys") {
                    as_asked(asked, told, memory, "rate_limit_rpm", &json!(60));
                }
            },
        ),
    ),
    (
        "rate-shared-between-keys",
        asking(|asked, memory| {
            let first = memory.keys.iter().find(|issued| issued.asked["action"] == "create_api_key");
            if let Some(first) = first
                && asked.token.as_deref().is_some_and(|token| memory.key(token).is_some())
            {
                asked.token = Some(first.key.clone());
            }
            None
        }),
    ),
    (
        "rate-limit-never-lifted",
        both(
            |asked, memory| {
                let refused = memory.own.contains_key(asked.token.as_deref()?);
                refused.then(|| Told::refusal(429, "RATE_LIMITED", "Rate limit exceeded"))
            },
            |asked, told, memory| {
                if let Some(token) = asked.token.clone().filter(|_| told.refuses("RATE_LIMITED")) {
                    memory.own.insert(token, json!(true));
                }
            },
        ),
    ),
    ("usage-count-stuck", telling(|_, told, _| told.each("usage_count", |count| *count = json!(0)))),
    (
        "revoked-filter-ignored",
        asking(|asked, _| {
            asked.query.retain(|(name, _)| name != "revoked");
            None
        }),
    ),
    ("api-key-revocation-ignored", asking(|asked, _| does_nothing(asked, "revoke_api_key"))),
    (
        "api-keys-open-nothing",
        asking(|asked, memory| {
            let issued = asked.token.as_deref().and_then(|token| memory.key(token));
            issued.map(|_| Told::refusal(401, "UNAUTHORIZED", "Authentication required"))
        }),
    ),
    (
        "api-key-id-is-no-uuid",
        telling(|asked, told, _| {
            if asked.creates_api_key() && told.is_success() {
                let id = told.json["data"]["id"].as_str().unwrap_or_default().replace('-', "");
                told.set("id", json!(format!("key_{id}")));
            }
        }),
    ),
];

fn has_known_scopes(asked: &Asked) -> bool {
    let scopes = asked.json["scopes"].as_array();
    scopes.is_some_and(|scopes| scopes.iter().all(|scope| SCOPES.iter().any(|known| scope == known)))
}
